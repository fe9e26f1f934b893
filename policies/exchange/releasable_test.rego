package exchange_test

test_nothing_asked if "records.none_releasable" in data.exchange.objections with input as but({"classes": []})

test_every_class_refused if {
	"records.none_releasable" in data.exchange.objections
		with input as but(facts_of({"objected": true}))
}

test_one_class_left if {
	classes := [object.union(person, {"facts": {"objected": true}}), household]
	data.exchange.objections == set() with input as but({"classes": classes})
}
