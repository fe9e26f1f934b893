package exchange_test

test_a_processor_for_this_purpose_only if data.exchange.objections == set() with input as processing("processor", [])

test_a_processor_with_a_purpose_of_its_own if {
	every role in ["processor", "sub_processor"] {
		raised := data.exchange.objections with input as processing(role, ["hum.stat.internal"])
		raised == {"red.vendor_reuse"}
	}
}

test_a_processor_with_a_purpose_nobody_knows if {
	data.exchange.objections == {"red.vendor_reuse"} with input as processing("processor", ["own.analytics"])
}

test_a_processor_with_another_purpose_of_the_agreement if {
	more := array.concat(question.agreement.purposes, [{
		"purpose": "hum.assist.delivery",
		"from": "org:a",
		"to": "org:b",
		"legal_basis": "lb.public",
	}])
	change := {"agreement": {"purposes": more}}
	data.exchange.objections == set()
		with input as object.union(processing("processor", ["hum.assist.delivery.cash"]), change)
	data.exchange.objections == set()
		with input as object.union(processing("processor", ["hum.assist.delivery"]), change)
}

test_a_purpose_agreed_with_somebody_else if {
	more := array.concat(question.agreement.purposes, [{
		"purpose": "hum.stat.internal",
		"from": "org:a",
		"to": "org:c",
		"legal_basis": "lb.public",
	}])
	data.exchange.objections == {"red.vendor_reuse"}
		with input as object.union(processing("processor", ["hum.stat.internal"]), {"agreement": {"purposes": more}})
}

test_a_controller_may_have_other_purposes if {
	data.exchange.objections == set() with input as processing("controller", ["hum.stat.internal"])
}

test_a_company_with_a_purpose_that_is_not_humanitarian if {
	every kind in ["private", "broker"] {
		change := {"recipient": {"kind": kind}}
		raised := data.exchange.objections
			with input as object.union(processing("controller", ["own.analytics"]), change)
		"red.vendor_reuse" in raised
	}
	data.exchange.objections == set()
		with input as object.union(processing("controller", ["hum.stat.internal"]), {"recipient": {"kind": "private"}})
}

processing(role, purposes) := but({
	"recipient": {"purposes": array.concat(["hum.assist.registration"], purposes)},
	"agreement": {"parties": [{"party": "org:a", "role": "controller"}, {"party": "org:b", "role": role}]},
})
