package exchange_test

test_known if {
	facts := {"age_class": "child", "expired": false, "origin_purpose": "hum.assist.registration"}
	ids(data.exchange.class_objections) == set() with input as about(facts, {})
}

test_unknown_name if {
	ids(data.exchange.class_objections) == {"data.fact_unknown"}
		with input as about({"shoe_size": "high"}, {})
}

test_unknown_value if {
	ids(data.exchange.class_objections) == {"data.fact_unknown"}
		with input as about({"age_class": "elder"}, {})
}

test_another_type if {
	ids(data.exchange.class_objections) == {"data.fact_unknown"}
		with input as about({"expired": "true"}, {})
}

test_a_value_no_key_can_be if {
	ids(data.exchange.class_objections) == {"data.fact_unknown", "sensitivity.unknown"}
		with input as about({"sensitivity": ["high"]}, {})
}

test_lists_of_a_consent if {
	facts := {"consent_purposes": ["hum.assist"], "consent_recipients": ["io"], "consent_by": "guardian"}
	ids(data.exchange.class_objections) == set() with input as about(facts, {})
}

test_a_list_of_other_things if {
	every value in ["io", {"io": true}, [1], [["io"]]] {
		"data.fact_unknown" in ids(data.exchange.class_objections)
			with input as about({"consent_purposes": value}, {})
		"data.fact_unknown" in ids(data.exchange.class_objections)
			with input as about({"consent_recipients": value}, {})
	}
}
