package exchange_test

test_passed if {
	ids(data.exchange.class_objections) == {"retention.passed"}
		with input as about({"expired": true}, {})
}

test_not_passed if ids(data.exchange.class_objections) == set() with input as about({"expired": false}, {})

test_no_period if {
	ids(data.exchange.class_objections) == {"retention.missing"}
		with input as about({}, {"agreement": {"retention": []}})
}

test_no_days if {
	ids(data.exchange.class_objections) == {"retention.missing"}
		with input as about({}, {"agreement": {"retention": [{"record_type": "person", "days": 0}]}})
}

test_days_that_are_no_number if {
	ids(data.exchange.class_objections) == {"retention.missing"}
		with input as about({}, {"agreement": {"retention": [{"record_type": "person", "days": "9"}]}})
}

test_of_another_type if {
	ids(data.exchange.class_objections) == {"retention.missing"}
		with input as about({}, {"agreement": {"retention": [{"record_type": "household", "days": 9}]}})
}
