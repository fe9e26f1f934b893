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
	ids(data.exchange.class_objections) == {"data.fact_unknown"}
		with input as about({"sensitivity": ["high"]}, {})
}
