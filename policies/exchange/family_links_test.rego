package exchange_test

test_an_enquirer_is_told_between_family_links if {
	fields_of(linked({"sender": {"kind": "rcrc"}, "recipient": {"kind": "rcrc"}})).enquirer == {"form": "keep"}
	fields_of(linked({"agreement": {"safeguards": {"transfer_instruments": [
		{"type": "movement_code", "to": [regime.id | some regime in searched.recipient.regimes]},
		searched.agreement.safeguards.transfer_instruments[0],
	]}}})).enquirer == {"form": "keep"}
}

test_an_enquirer_is_told_to_nobody_else if {
	every change in [
		{},
		{"recipient": {"kind": "rcrc"}},
		{"sender": {"kind": "rcrc"}},
		{"agreement": {"safeguards": {"transfer_instruments": [
			{"type": "movement_code", "to": ["io:elsewhere"]},
			searched.agreement.safeguards.transfer_instruments[0],
		]}}},
	] {
		left := fields_of(linked(object.union({"sender": {"kind": "ngo"}, "recipient": {"kind": "io"}}, change)))
		left.enquirer == {"form": "drop", "reason": "purpose"}
		left.full_name == {"form": "keep"}
	}
}

test_whereabouts_leave_with_consent_and_a_decision if {
	fields_of(found_with("given")).found_contacts == {"form": "keep"}
	every status in ["unknown", "none"] {
		fields_of(found_with(status)).found_contacts == {"form": "drop", "reason": "purpose"}
	}
}

fields_of(asked) := fields if {
	answer := data.exchange.decision with input as asked
	fields := answer.classes[0].fields
}

searched := data.samples.found_person.question

linked(change) := object.union(searched, change)

found_with(status) := object.union(
	linked({"context": {"decisions": [{
		"decision": "human.dpo:special_category.missing-person.found_contacts",
		"by": ["dpo"],
		"valid_until": soon,
	}]}}),
	{"classes": [object.union(searched.classes[0], {"facts": stated_consent(status)})]},
)

stated_consent("unknown") := {"consent_status": "unknown"}

stated_consent("given") := {"consent_status": "given"}

stated_consent("none") := {"objected": false}
