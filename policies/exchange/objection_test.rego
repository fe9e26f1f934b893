package exchange_test

test_objected if {
	ids(data.exchange.class_objections) == {"data.objection"}
		with input as about({"objected": true}, {})
}

test_not_objected if ids(data.exchange.class_objections) == set() with input as about({"objected": false}, {})
