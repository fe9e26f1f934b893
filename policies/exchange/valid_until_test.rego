package exchange_test

test_the_evidence_ends_first if data.exchange.decision.valid_until == "2027-06-30T00:00:00Z" with input as question

test_the_agreement_ends_first if {
	data.exchange.decision.valid_until == "2026-11-22T08:00:01Z"
		with input as but({"agreement": {"scope": {"end": soon}}})
}

test_the_agreement_starts_first if {
	data.exchange.decision.valid_until == "2026-11-22T08:00:01Z"
		with input as but({"agreement": {"scope": {"start": soon}}})
}

test_a_decision_ends_first if {
	made := [{"decision": "human.dpo:this", "by": ["dpo"], "valid_until": soon}]
	data.exchange.decision.valid_until == soon with input as but({"context": {"decisions": made}})
}

test_every_decision_is_read if {
	made := [
		{"decision": "human.dpo:this", "by": ["dpo"], "valid_until": "2027-01-01T00:00:00Z"},
		{"decision": "human.dpo:that", "by": ["dpo"], "valid_until": "2027-01-01T00:00:00Z", "at": soon},
		{"decision": "human.dpo:other", "by": ["dpo"], "valid_until": "2027-02-01T00:00:00Z"},
	]
	data.exchange.decision.valid_until == soon with input as but({"context": {"decisions": made}})
}

test_nothing_to_come if data.exchange.decision.valid_until == "" with input as but({"agreement": null})

test_the_evidence_ends_too_late_until_then if {
	raised := data.exchange.decision.valid_until
		with input as but({"agreement": holding({"valid_until": "2027-11-25T00:00:00Z"})})
	raised == "2026-11-25T00:00:00Z"
}

test_a_contributor_ends_first if {
	given := {"release_given": [word("org:a", now), word("org:b", soon)]}
	data.exchange.decision.valid_until == soon with input as but({"agreement": given})
}

test_a_review_is_due_first if {
	review := assessed("low", soon)
	data.exchange.decision.valid_until == soon with input as but({"agreement": {"safeguards": {"dpia": review}}})
}

test_a_decision_is_made_first if {
	made := [{"decision": "human.dpo:this", "by": ["dpo"], "valid_until": "2027-01-01T00:00:00Z", "at": soon}]
	data.exchange.decision.valid_until == soon with input as but({"context": {"decisions": made}})
}
