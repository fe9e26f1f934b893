package exchange_test

test_another_regime_with_an_instrument if {
	data.exchange.border == {"crosses": true, "destination": "dest.safeguards", "instrument": "own_clauses"}
		with input as question
}

test_the_same_regime if {
	data.exchange.border == {"crosses": false, "destination": "dest.same", "instrument": ""}
		with input as but(between(["KE"], ["KE"]))
}

test_one_regime_more if data.exchange.border.crosses with input as but(between(["KE"], ["KE", "FR"]))

test_an_organisation_with_itself if {
	organisation := {"regimes": [{"kind": "io", "id": "io:b"}]}
	not data.exchange.border.crosses with input as but({"sender": organisation, "recipient": organisation})
}

test_an_organisation_in_the_same_town if {
	change := {"recipient": {"regimes": [{"kind": "io", "id": "KE"}]}}
	data.exchange.border.crosses with input as but(change)
}

test_no_regimes_are_unknown if {
	change := {"recipient": {"regimes": []}}
	data.exchange.border.destination == "dest.unknown" with input as but(change)
	data.exchange.objections == {"transfer.no_safeguard"} with input as but(change)
}

test_immunity_needs_no_instrument if {
	data.exchange.border.destination == "dest.io_immune" with input as but(bare({}))
	data.exchange.objections == set() with input as but(bare({}))
}

test_immunity_is_no_safeguard_under_the_gdpr if {
	data.exchange.objections & {"transfer.no_safeguard"} != set()
		with input as but(bare({"request": {"legal_basis": "lb.consent"}, "sender": state("FR")}))
}

test_own_clauses_do_not_bind_under_the_gdpr if {
	data.exchange.border.destination == "dest.public_interest" with input as but({"sender": state("FR")})
}

test_clauses_of_the_commission_bind if {
	change := {"sender": state("FR"), "agreement": instruments("scc_commission", ["io:b"])}
	data.exchange.border == {"crosses": true, "destination": "dest.safeguards", "instrument": "scc_commission"}
		with input as but(change)
}

test_an_instrument_with_somebody_else if {
	change := object.union(between(["KE"], ["UG"]), {"request": {"legal_basis": "lb.consent"}})
	"transfer.no_safeguard" in data.exchange.objections with input as but(change)
}

test_an_instrument_covers_every_regime if {
	both := object.union(between(["KE"], ["UG", "SS"]), {"agreement": instruments("own_clauses", ["UG"])})
	data.exchange.border.instrument == "" with input as but(both)
	each := object.union(between(["KE"], ["UG", "SS"]), {"agreement": instruments("own_clauses", ["UG", "SS"])})
	data.exchange.border.instrument == "own_clauses" with input as but(each)
}

test_an_unknown_instrument if {
	data.exchange.border.instrument == ""
		with input as but({"agreement": instruments("promise", ["io:b"])})
}

test_a_derogation_is_no_instrument if {
	data.exchange.border.instrument == ""
		with input as but({"agreement": instruments("vital", ["io:b"])})
}

test_between_bound_states if {
	data.exchange.border.destination == "dest.adequate"
		with input as but(object.union(between(["FR"], ["DE"]), bare({})))
}

test_a_state_found_adequate if {
	change := but(object.union(between(["FR"], ["UG"]), bare({})))
	data.exchange.border.destination == "dest.adequate" with input as change with data.taxonomy.adequate as ["UG"]
}

test_adequacy_is_for_bound_senders if {
	data.exchange.border.destination == "dest.public_interest"
		with input as but(object.union(between(["KE"], ["FR"]), bare({})))
}

test_a_prohibited_destination if {
	objections := data.exchange.objections with input as question with data.taxonomy.prohibited as ["io:b"]
	objections == {"transfer.prohibited"}
}

test_vital_interest_needs_one if {
	waiting(data.exchange.needed) == {"human.one:dest.vital"}
		with input as but(object.union(between(["KE"], ["UG"]), vital))
}

test_vital_interest_is_a_single_case_under_the_gdpr if {
	change := object.union_n([between(["FR"], ["UG"]), vital, {"records": "10-99"}])
	"transfer.vital_not_single_case" in data.exchange.objections with input as but(change)
}

test_vital_interest_of_a_group_elsewhere if {
	change := object.union_n([between(["KE"], ["UG"]), vital, {"records": "10-99"}])
	not "transfer.vital_not_single_case" in data.exchange.objections with input as but(change)
}

test_a_single_case_under_the_gdpr if {
	not "transfer.vital_not_single_case" in data.exchange.objections
		with input as but(object.union(between(["FR"], ["UG"]), vital))
}

test_public_interest_needs_the_dpo if {
	waiting(data.exchange.needed) == {"human.dpo:dest.public_interest"}
		with input as but(object.union(between(["KE"], ["UG"]), bare({})))
}

state(id) := {"regimes": [{"kind": "state", "id": id}]}

between(from, to) := {
	"sender": {"regimes": [{"kind": "state", "id": id} | some id in from]},
	"recipient": {"regimes": [{"kind": "state", "id": id} | some id in to]},
}

instruments(type, to) := {"safeguards": {"transfer_instruments": [{"type": type, "to": to}]}}

bare(change) := object.union({"agreement": {"safeguards": {"transfer_instruments": []}}}, change)

vital := {"request": {"legal_basis": "lb.vital"}}
