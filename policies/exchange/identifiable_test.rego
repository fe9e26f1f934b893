package exchange_test

test_identified if {
	data.exchange.identified_types == {"household", "person"} with input as question
	data.exchange.identifiable_types == {"household", "person"} with input as question
}

test_under_a_pseudonym if {
	data.exchange.identified_types == {"household"} with input as but(item_with({"max_form": "ps"}))
	data.exchange.identifiable_types == {"household", "person"} with input as but(item_with({"max_form": "ps"}))
}

test_by_record if {
	data.exchange.identifiable_types == {"household"} with input as but(item_with({"max_form": "rec"}))
}

test_nobody_to_be_recognised if {
	item := object.union(figures.agreement.data[0], {"max_form": "id"})
	change := {"agreement": {"data": [item]}, "request": {"purpose": "hum.assist.registration"}}
	data.exchange.ceiling_of == {"needs": "id"} with input as object.union(figures, change)
	data.exchange.identifiable_types == set() with input as object.union(figures, change)
}
