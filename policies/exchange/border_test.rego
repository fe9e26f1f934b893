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

test_where_the_agreement_says_data_are_kept if {
	stored := {"agreement": {"parties": [
		{"party": "org:a", "role": "controller"},
		{"party": "org:b", "role": "processor", "regimes": [{"kind": "state", "id": "US"}]},
	]}}
	asked := but(object.union(between(["KE"], ["KE"]), stored))
	data.exchange.border.crosses with input as asked
	data.exchange.border.instrument == "" with input as asked
	covered := object.union(asked, {"agreement": instruments("own_clauses", ["KE", "US"])})
	data.exchange.border.instrument == "own_clauses" with input as covered
}

test_what_the_agreement_says_of_the_sender if {
	bound := {"agreement": {"parties": [
		{"party": "org:a", "role": "controller", "regimes": [{"kind": "state", "id": "FR"}]},
		{"party": "org:b", "role": "controller"},
	]}}
	data.exchange.gdpr_bound with input as but(bound)
	not data.exchange.gdpr_bound with input as question
}

test_no_regimes_are_unknown if {
	change := {"recipient": {"regimes": []}}
	data.exchange.border.destination == "dest.unknown" with input as but(change)
	data.exchange.objections == {"transfer.no_safeguard"} with input as but(change)
}

test_immunity_needs_no_instrument if {
	data.exchange.border.destination == "dest.io_immune" with input as but(with_immunity)
	data.exchange.objections == set() with input as but(with_immunity)
	data.exchange.needed == set() with input as but(with_immunity)
}

test_immunity_that_nobody_recorded if {
	data.exchange.border.destination == "dest.public_interest" with input as but(bare({}))
	without := {"agreement": {"safeguards": {"immunity": {"status": false}}}}
	data.exchange.border.destination == "dest.public_interest" with input as but(object.union(with_immunity, without))
	spelled := {"agreement": {"safeguards": {"immunity": {"status": "true"}}}}
	data.exchange.border.destination == "dest.public_interest" with input as but(object.union(with_immunity, spelled))
}

test_a_state_has_no_immunity if {
	data.exchange.border.destination == "dest.public_interest"
		with input as but(object.union(with_immunity, between(["KE"], ["UG"])))
}

test_immunity_is_no_safeguard_under_the_gdpr if {
	change := {"request": {"legal_basis": "lb.consent"}, "sender": state("FR")}
	data.exchange.objections & {"transfer.no_safeguard"} != set()
		with input as but(object.union(with_immunity, change))
}

test_what_is_published_crosses if {
	public := object.union(between(["KE"], ["KE"]), {"recipient": {"kind": "public"}})
	data.exchange.border == {"crosses": true, "destination": "dest.safeguards", "instrument": "own_clauses"}
		with input as but(object.union(public, {"agreement": instruments("own_clauses", ["KE"])}))
	data.exchange.border.destination == "dest.public_interest" with input as but(public)
}

test_a_red_recipient_is_a_prohibited_destination if {
	every kind, _ in data.taxonomy.red_kinds {
		found := data.exchange.border with input as but({"recipient": {"kind": kind}})
		found.destination == "dest.prohibited"
	}
}

test_a_destination_found_unsafe if {
	asked := but(between(["KE"], ["UG"]))
	covered := object.union(asked, {"agreement": instruments("own_clauses", ["UG"])})
	objections := data.exchange.objections with input as covered with data.taxonomy.refused as {"UG": "conditions"}
	objections == {"transfer.refused"}
	found := data.exchange.border with input as covered with data.taxonomy.refused as {"UG": "conditions"}
	found == {"crosses": true, "destination": "dest.refused", "instrument": "own_clauses"}
	data.exchange.objections == set() with input as covered with data.taxonomy.refused as {"KE": "conditions"}
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
	waiting(data.exchange.needed) == {"human.one:basis.lb.vital", "human.one:dest.vital"}
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

test_the_third_derogation_is_a_standing_flow if {
	public := object.union(between(["KE"], ["UG"]), bare({}))
	every used in [2, 3, "0", null] {
		waits := data.exchange.needed
			with input as but(object.union(public, {"context": {"prior": {"derogations": used}}}))
		"human.dpo:standing_flow" in waiting(waits)
	}
	every used in [0, 1] {
		waits := data.exchange.needed
			with input as but(object.union(public, {"context": {"prior": {"derogations": used}}}))
		waiting(waits) == {"human.dpo:dest.public_interest"}
	}
}

test_vital_interest_may_be_a_standing_flow if {
	change := {"context": {"prior": {"derogations": 2}}}
	"human.dpo:standing_flow" in waiting(data.exchange.needed)
		with input as but(object.union_n([between(["KE"], ["UG"]), vital, change]))
}

test_nothing_said_of_derogations_is_a_standing_flow if {
	asked := json.remove(but(object.union(between(["KE"], ["UG"]), bare({}))), ["context/prior"])
	"human.dpo:standing_flow" in waiting(data.exchange.needed) with input as asked
}

test_an_instrument_makes_no_derogation if {
	data.exchange.needed == set() with input as but({"context": {"prior": {"derogations": 2}}})
}

state(id) := {"regimes": [{"kind": "state", "id": id}]}

between(from, to) := {
	"sender": {"regimes": [{"kind": "state", "id": id} | some id in from]},
	"recipient": {"regimes": [{"kind": "state", "id": id} | some id in to]},
}

instruments(type, to) := {"safeguards": {"transfer_instruments": [{"type": type, "to": to}]}}

bare(change) := object.union({"agreement": {"safeguards": {"transfer_instruments": []}}}, change)

vital := {"request": {"legal_basis": "lb.vital"}}

with_immunity := {"agreement": {"safeguards": {
	"transfer_instruments": [],
	"immunity": {"status": true, "instrument": "host agreement"},
}}}

test_a_sender_without_regimes_is_unknown if {
	found := data.exchange.border with input as but({"sender": {"regimes": []}})
	found == {"crosses": true, "destination": "dest.unknown", "instrument": ""}
}

test_a_regime_of_another_party_does_not_count if {
	parties := array.concat(question.agreement.parties, [{
		"party": "org:c",
		"role": "processor",
		"regimes": [{"kind": "state", "id": "US"}],
	}])
	change := {"agreement": {"parties": parties, "kind": "multilateral"}}
	data.exchange.border.instrument == "own_clauses" with input as but(change)
	data.exchange.sender_regimes == {{"kind": "state", "id": "KE"}} with input as but(change)
	data.exchange.recipient_regimes == {{"kind": "io", "id": "io:b"}} with input as but(change)
}

test_a_name_of_a_state_binds_no_organisation if {
	not data.exchange.gdpr_bound with input as but({"sender": {"regimes": [{"kind": "io", "id": "FR"}]}})
}
