package exchange_test

test_a_thousand_identified_records_wait if {
	waiting(data.exchange.needed) == {"human.dpo:bulk_identified"} with input as but({"records": "1000+"})
	data.exchange.objections == set() with input as with_review({"records": "1000+"})
}

test_fewer_do_not_wait if data.exchange.needed == set() with input as but({"records": "100-999"})

test_a_volume_agreed_on_does_not_wait if {
	data.exchange.needed == set() with input as object.union(but(limited([5000, 5000])), {"records": "1000+"})
}

test_a_volume_agreed_on_for_each_type if {
	waiting(data.exchange.needed) == {"human.dpo:bulk_identified"}
		with input as object.union(
			but({"agreement": {"data": [
				object.union(question.agreement.data[0], {"volume_limit": 5000}),
				question.agreement.data[1],
			]}}),
			{"records": "1000+"},
		)
}

test_a_thousand_pseudonyms_do_not_wait if {
	items := [object.union(item, {"max_form": "ps"}) | some item in question.agreement.data]
	data.exchange.needed == set() with input as but({"records": "1000+", "agreement": {"data": items}})
}

test_above_the_volume if {
	data.exchange.objections == {"volume.exceeded"}
		with input as object.union(but(limited([5, 5])), {"context": {"above_volume": ["household"]}})
}

test_above_the_volume_of_what_is_not_asked if {
	data.exchange.objections == set() with input as but({"context": {"above_volume": ["case"]}})
}

test_within_the_volume if data.exchange.objections == set() with input as but(limited([5, 5]))

test_nobody_counted if {
	data.exchange.objections == {"volume.exceeded"}
		with input as json.remove(but(limited([5, 5])), ["context/above_volume"])
	data.exchange.objections == set() with input as json.remove(question, ["context/above_volume"])
}

limited(counts) := {"agreement": {"data": [
	object.union(question.agreement.data[0], {"volume_limit": counts[0]}),
	object.union(question.agreement.data[1], {"volume_limit": counts[1]}),
]}}

with_review(change) := object.union(but({"agreement": {"safeguards": {"dpia_ref": "d:1"}}}), change)
