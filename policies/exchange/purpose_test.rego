package exchange_test

test_unknown if {
	"purpose.unknown" in data.exchange.objections
		with input as but({"request": {"purpose": "hum.assist.Registration"}})
}

test_missing if {
	"purpose.unknown" in data.exchange.objections with input as json.remove(question, ["request/purpose"])
}

test_a_parent_is_too_broad if {
	"purpose.too_broad" in data.exchange.objections
		with input as but({"request": {"purpose": "hum.assist"}})
}

test_any_purpose_is_too_broad if {
	"purpose.too_broad" in data.exchange.objections
		with input as but({"request": {"purpose": "hum"}})
}

test_a_leaf if data.exchange.objections == set() with input as question
