package exchange_test

test_no_contract_for_people if {
	"basis.contract_not_for_people" in data.exchange.objections
		with input as but({"request": {"legal_basis": "lb.contract"}})
}

test_a_contract_without_people if {
	other := object.union(person, {"record_type": "staff"})
	change := {"request": {"legal_basis": "lb.contract"}, "classes": [other]}
	not "basis.contract_not_for_people" in data.exchange.objections with input as but(change)
}

test_an_obligation_binds_no_immune_sender if {
	change := {"request": {"legal_basis": "lb.legal"}, "sender": {"regimes": [{"kind": "io", "id": "io:a"}]}}
	"basis.legal_not_for_immune" in data.exchange.objections with input as but(change)
}

test_an_obligation_binds_under_state_law if {
	not "basis.legal_not_for_immune" in data.exchange.objections
		with input as but({"request": {"legal_basis": "lb.legal"}})
}

test_an_obligation_needs_two if {
	needed := data.exchange.needed with input as but({"request": {"legal_basis": "lb.legal"}})
	needed == {{"decision": "human.two:basis.lb.legal", "who": "human:two"}}
}

test_research_is_not_identified if {
	"basis.research_identified" in data.exchange.objections
		with input as but({"request": {"legal_basis": "lb.research"}})
}

test_research_on_figures if {
	change := {"request": {"legal_basis": "lb.research", "purpose": "hum.stat.research"}}
	not "basis.research_identified" in data.exchange.objections with input as but(change)
}

test_an_authority_has_no_legitimate_interest if {
	"basis.legitimate_not_for_authorities" in data.exchange.objections with input as but(legitimate("gov", "FR"))
	"basis.legitimate_not_for_authorities" in data.exchange.objections
		with input as but(legitimate("gov.health", "FR"))
}

test_others_have_a_legitimate_interest if {
	not "basis.legitimate_not_for_authorities" in data.exchange.objections
		with input as but(legitimate("gov", "KE"))
	not "basis.legitimate_not_for_authorities" in data.exchange.objections
		with input as but(legitimate("govern", "FR"))
}

legitimate(kind, state) := {
	"request": {"legal_basis": "lb.legitimate"},
	"sender": {"kind": kind, "regimes": [{"kind": "state", "id": state}]},
}
