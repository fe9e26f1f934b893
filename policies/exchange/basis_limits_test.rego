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

test_research_on_a_mixture_is_not_identified if {
	change := {
		"request": {"legal_basis": "lb.research"},
		"agreement": {"data": array.concat(question.agreement.data, [figures.agreement.data[0]])},
		"classes": [person, figures.classes[0]],
	}
	"basis.research_identified" in data.exchange.objections with input as but(change)
}

test_an_authority_has_no_legitimate_interest if {
	every kind in data.taxonomy.authority_kinds {
		raised := data.exchange.objections with input as but(legitimate(kind, "FR"))
		"basis.legitimate_not_for_authorities" in raised
	}
}

test_who_does_not_say_what_it_is_has_no_legitimate_interest if {
	"basis.legitimate_not_for_authorities" in data.exchange.objections
		with input as json.remove(but(legitimate("ngo", "FR")), ["sender/kind"])
	"basis.legitimate_not_for_authorities" in data.exchange.objections
		with input as but(legitimate("govern", "FR"))
}

test_others_have_a_legitimate_interest if {
	not "basis.legitimate_not_for_authorities" in data.exchange.objections
		with input as but(legitimate("gov", "KE"))
	not "basis.legitimate_not_for_authorities" in data.exchange.objections
		with input as but(legitimate("ngo", "FR"))
}

test_biometrics_are_no_matter_of_vital_interest if {
	change := object.union({"request": {"legal_basis": "lb.vital"}}, categories(["pd:Biometric"]))
	"basis.vital_not_for_biometrics" in data.exchange.objections with input as but(change)
	not "basis.vital_not_for_biometrics" in data.exchange.objections with input as but(categories(["pd:Biometric"]))
	not "basis.vital_not_for_biometrics" in data.exchange.objections
		with input as but({"request": {"legal_basis": "lb.vital"}})
}

test_whom_each_basis_waits_for if {
	waits := {id: who |
		some id, _ in data.taxonomy.bases
		asked := data.exchange.needed with input as but({"request": {"legal_basis": id}})
		who := {item.decision |
			some item in asked
			contains(item.decision, ":basis.")
		}
	}
	waits == {
		"lb.vital": {"human.one:basis.lb.vital"},
		"lb.public": set(),
		"lb.consent": set(),
		"lb.legitimate": {"human.dpo:basis.lb.legitimate"},
		"lb.contract": set(),
		"lb.legal": {"human.two:basis.lb.legal"},
		"lb.research": {"human.dpo:basis.lb.research"},
	}
}

legitimate(kind, state) := {
	"request": {"legal_basis": "lb.legitimate"},
	"sender": {"kind": kind, "regimes": [{"kind": "state", "id": state}]},
}

test_other_bases_serve_immune_senders if {
	change := {"sender": {"regimes": [{"kind": "io", "id": "io:a"}]}}
	not "basis.legal_not_for_immune" in data.exchange.objections with input as but(change)
}

test_authorities_may_rest_on_other_bases if {
	change := object.union(legitimate("gov", "FR"), {"request": {"legal_basis": "lb.public"}})
	not "basis.legitimate_not_for_authorities" in data.exchange.objections with input as but(change)
}
