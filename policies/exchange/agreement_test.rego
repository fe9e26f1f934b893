package exchange_test

test_none if "agreement.missing" in data.exchange.objections with input as but({"agreement": null})

test_suspended if {
	data.exchange.objections == {"agreement.not_active"}
		with input as but({"agreement": {"state": "suspended"}})
}

test_no_state if {
	"agreement.not_active" in data.exchange.objections with input as json.remove(question, ["agreement/state"])
}

test_starts_now if data.exchange.objections == set() with input as but({"agreement": {"scope": {"start": now}}})

test_starts_soon if {
	data.exchange.objections == {"agreement.not_yet"}
		with input as but({"agreement": {"scope": {"start": soon}}})
}

test_no_start if {
	"agreement.not_yet" in data.exchange.objections with input as json.remove(question, ["agreement/scope/start"])
}

test_ends_soon if data.exchange.objections == set() with input as but({"agreement": {"scope": {"end": soon}}})

test_ends_now if {
	data.exchange.objections == {"agreement.expired"}
		with input as but({"agreement": {"scope": {"end": now}}})
}

test_no_end if {
	"agreement.expired" in data.exchange.objections with input as json.remove(question, ["agreement/scope/end"])
}

test_another_party if {
	data.exchange.objections == {"agreement.other_parties"}
		with input as but({"agreement": {"parties": [{"party": "org:a", "role": "controller"}]}})
}

test_a_third_party if {
	raised := data.exchange.objections with input as with_third("bilateral")
	raised == {"agreement.other_parties"}
	unknown := data.exchange.objections with input as with_third("gathering")
	unknown == {"agreement.other_parties"}
	unsaid := data.exchange.objections with input as json.remove(with_third("bilateral"), ["agreement/kind"])
	unsaid == {"agreement.other_parties"}
}

test_a_third_party_among_many if {
	every kind in ["multilateral", "referral_list"] {
		raised := data.exchange.objections with input as with_third(kind)
		raised == set()
	}
}

with_third(kind) := but({"agreement": {
	"parties": array.concat(question.agreement.parties, [{"party": "org:c"}]),
	"kind": kind,
}})

test_an_observer_is_no_party if {
	parties := [{"party": "org:a", "role": "controller"}, {"party": "org:b", "role": "observer"}]
	data.exchange.objections == {"agreement.other_parties"} with input as but({"agreement": {"parties": parties}})
}

test_a_sender_that_is_no_party if {
	data.exchange.objections == {"agreement.other_parties"}
		with input as but({"agreement": {"parties": [{"party": "org:b", "role": "controller"}]}})
}
