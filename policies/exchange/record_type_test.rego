package exchange_test

test_not_granted if {
	objections := data.exchange.class_objections with input as but({"agreement": {"data": []}})
	[0, "data.record_type_not_granted"] in objections
	[1, "data.record_type_not_granted"] in objections
}

test_granted if ids(data.exchange.class_objections) == set() with input as about({}, {})
