package exchange_test

test_no_local_policy if data.exchange.objections == set() with input as question

test_it_may_object if {
	answer := data.exchange.decision with input as question with data.local.objections as {local_objection}
	answer.verdict == "refuse"
	answer.objections == [local_objection]
}

test_it_may_narrow if {
	data.exchange.decision.classes[0].fields.birth_date == {"form": "age_band"}
		with input as question
		with data.local.narrow as {"person": {"birth_date": "age_band"}}
}

test_it_may_withhold if {
	data.exchange.decision.classes[0].fields.name == {"form": "drop", "reason": "local"}
		with input as question
		with data.local.narrow as {"person": {"name": "drop"}}
	data.exchange.decision.classes[0].fields.name == {"form": "null", "reason": "local"}
		with input as question
		with data.local.narrow as {"person": {"name": "null"}}
}

test_it_cannot_widen if {
	data.exchange.decision.classes[0].fields.birth_date == {"form": "year"}
		with input as question
		with data.local.narrow as {"person": {"birth_date": "keep"}}
	data.exchange.decision.classes[0].fields.photo_url == {"form": "drop", "reason": "purpose"}
		with input as question
		with data.local.narrow as {"person": {"photo_url": "keep"}}
	data.exchange.decision.classes[0].fields.email == {"form": "drop", "reason": "agreement"}
		with input as question
		with data.local.narrow as {"person": {"email": "keep"}}
	data.exchange.decision.classes[0].fields.extension == {"form": "drop", "reason": "always"}
		with input as question
		with data.local.narrow as {"person": {"extension": "keep"}}
}

test_a_form_it_does_not_know_drops if {
	data.exchange.decision.classes[0].fields.name == {"form": "drop", "reason": "local"}
		with input as question
		with data.local.narrow as {"person": {"name": "blur"}}
}

test_malformed_objections if {
	every said in [5, "no", [local_objection], {"no"}, {{"rule": "red.sale", "fix": "Yes."}}, {{"rule": "local.x"}}] {
		"local.malformed" in data.exchange.objections with input as question with data.local.objections as said
	}
}

test_a_malformed_policy_refuses if {
	answer := data.exchange.decision with input as question with data.local.objections as 5
	answer.verdict == "refuse"
	[said.rule | some said in answer.objections] == ["local.malformed"]
}

test_one_key_more_is_malformed if {
	"local.malformed" in data.exchange.objections
		with input as question
		with data.local.objections as {object.union(local_objection, {"x": 1})}
}

test_malformed_narrowing if {
	every said in [5, [], {"person": []}, {"person": {"name": 1}}] {
		"local.malformed" in data.exchange.objections with input as question with data.local.narrow as said
	}
}

local_objection := {"rule": "local.ramadan", "fix": "Wait."}
