package exchange_test

# What `corridor policy mutate` showed that no other test would notice.
test_a_basis_is_held_by_its_own_name if {
	other := object.union(question.agreement.legal_bases[0], {"basis": "lb.vital"})
	"basis.not_granted" in data.exchange.objections with input as but({"agreement": {"legal_bases": [other]}})
}

test_a_border_nobody_knows if {
	every side in ["sender", "recipient"] {
		border := data.exchange.border with input as but({side: {"regimes": []}})
		border == {"crosses": true, "destination": "dest.unknown", "instrument": ""}
	}
}

test_regimes_in_the_agreement_do_not_stand_for_those_of_the_party if {
	parties := [object.union(party, {"regimes": [{"kind": "state", "id": "KE"}]}) |
		some party in question.agreement.parties
	]
	every side in ["sender", "recipient"] {
		asked := but({"agreement": {"parties": parties}, side: {"regimes": []}})
		border := data.exchange.border with input as asked
		border.destination == "dest.unknown"
	}
}

test_only_a_state_is_bound_by_the_law_of_states if {
	not data.exchange.gdpr_bound with input as but({"sender": {"regimes": [{"kind": "io", "id": "FR"}]}})
}

test_a_crossing_that_nothing_makes_lawful if {
	asked := but(bare(object.union(between(["KE"], ["US"]), {"request": {"legal_basis": "lb.consent"}})))
	data.exchange.border == {"crosses": true, "destination": "dest.refused", "instrument": ""}
		with input as asked
}

test_a_prohibited_destination_is_called_so if {
	data.exchange.border.destination == "dest.prohibited" with input as but(between(["KE"], ["US"]))
		with data.taxonomy.prohibited as ["US"]
}

test_who_decides_about_bulk_and_high_risk if {
	data.exchange.needed == {{"decision": "human.dpo:bulk_identified", "who": "human:dpo"}}
		with input as but({"records": "1000+"})
	high := {"dpia": {"ref": "d:1", "outcome": "high", "next_review": soon}}
	data.exchange.needed == {{"decision": "human.dpo:dpia_high", "who": "human:dpo"}}
		with input as but({"agreement": {"safeguards": high}})
}

test_one_contributor_is_enough_where_there_is_one if {
	alone := {"parties": [{"party": "org:a", "role": "controller"}], "release_given": [word("org:a", soon)]}
	not "release.needs_all" in data.exchange.objections with input as consolidating(alone)
}

refusal_of_all := {
	"verdict": "refuse",
	"pending": [],
	"assess": [],
	"classes": [],
	"obligations": [],
	"border": {"crosses": true, "destination": "dest.unknown", "instrument": ""},
	"max_form": "agg",
	"valid_until": "",
}

test_the_answer_to_what_cannot_be_read if {
	fix := data.taxonomy.fixes["question.malformed"]
	malformed := {"objections": [{"rule": "question.malformed", "fix": fix}]}
	data.exchange.decision == object.union(refusal_of_all, malformed) with input as {}
}

test_the_answer_where_there_is_none if {
	fix := "Report this: the policy has no answer."
	undefined := {"objections": [{"rule": "error.undefined", "fix": fix}]}
	data.exchange.decision == object.union(refusal_of_all, undefined) with input as {} with data.taxonomy as {}
}

test_each_class_keeps_its_own_whereabouts if {
	asked := found_with("given")
	other := object.union(asked.classes[0], {"facts": stated_consent("unknown")})
	answer := data.exchange.decision with input as object.union(asked, {"classes": [asked.classes[0], other]})
	answer.classes[0].fields.found_contacts == {"form": "keep"}
	answer.classes[1].fields.found_contacts == {"form": "drop", "reason": "purpose"}
}

test_types_about_nobody_identify_nobody if {
	data.exchange.identified_types == {"person", "household"} with input as question
	data.exchange.identified_types == {"household"} with input as question
		with data.taxonomy.people_types as ["household"]
	data.exchange.identifiable_types == {"household"} with input as question
		with data.taxonomy.people_types as ["household"]
}

test_nothing_granted_is_the_strictest_form if {
	data.exchange.max_form == "agg" with input as but({"agreement": {"data": []}})
}

test_midnight_is_whole_days_from_any_other if {
	every instant in ["2026-01-01T00:00:00Z", "2028-02-29T00:00:00Z", "1999-12-31T00:00:00Z"] {
		data.exchange.seconds_at(instant) % 86400 == 0
	}
}

test_special_fields_stand_under_their_own_type if {
	asked := data.samples.special_category.question
	data.exchange.special_codes == {"person": {"religion": "drop:pending"}, "household": {}} with input as asked
}

test_more_that_cannot_be_read if {
	every change in [
		{"context": {"risk": []}},
		{"sender": {"regimes": {}}},
		{"recipient": {"regimes": {}}},
		{"agreement": {"safeguards": {"transfer_instruments": {}}}},
		{"agreement": {"parties": [{"party": "org:a", "role": "controller", "regimes": {}}]}},
		{"agreement": {"data": [object.union(question.agreement.data[0], {"max_form": 1})]}},
		{"classes": {}},
	] {
		not data.exchange.well_formed with input as but(change)
	}
}
