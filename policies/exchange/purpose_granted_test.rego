package exchange_test

test_a_parent_covers_its_leaves if {
	data.exchange.objections == set()
		with input as but({"agreement": granting({"purpose": "hum.assist"})})
}

test_any_purpose_covers_nothing if {
	"purpose.not_granted" in data.exchange.objections
		with input as but({"agreement": granting({"purpose": "hum"})})
}

test_a_sibling if {
	"purpose.not_granted" in data.exchange.objections
		with input as but({"agreement": granting({"purpose": "hum.assist.verify"})})
}

test_a_like_name if {
	"purpose.not_granted" in data.exchange.objections
		with input as but({"agreement": granting({"purpose": "hum.ass"})})
}

test_the_other_direction if {
	"purpose.not_granted" in data.exchange.objections
		with input as but({"agreement": granting({"from": "org:b", "to": "org:a"})})
}

test_another_recipient_granted if {
	"purpose.not_granted" in data.exchange.objections
		with input as but({"agreement": granting({"to": "org:c"})})
}

test_no_grants if {
	"purpose.not_granted" in data.exchange.objections
		with input as but({"agreement": {"purposes": []}})
}

granting(change) := {"purposes": [object.union(question.agreement.purposes[0], change)]}
