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

test_nothing_to_come if data.exchange.decision.valid_until == "" with input as but({"agreement": null})
