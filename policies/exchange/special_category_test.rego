package exchange_test

test_never_by_default if {
	data.exchange.decision.classes[0].fields.religion == {"form": "drop", "reason": "purpose"}
		with input as question
}

test_listed_waits if {
	waiting(data.exchange.pending) == {"human.dpo:special_category.person.religion"}
		with input as but(listing("religion"))
	data.exchange.decision.classes[0].fields.religion == {"form": "drop", "reason": "pending"}
		with input as but(listing("religion"))
}

test_decided_leaves if {
	change := object.union(listing("religion"), {"context": {"decisions": [decision_by("dpo")]}})
	waiting(data.exchange.pending) == set() with input as but(change)
	data.exchange.decision.classes[0].fields.religion == {"form": "keep"} with input as but(change)
}

test_decided_by_another if {
	change := object.union(listing("religion"), {"context": {"decisions": [decision_by("programme")]}})
	waiting(data.exchange.pending) == {"human.dpo:special_category.person.religion"} with input as but(change)
}

test_another_purpose if {
	change := object.union(listing("religion"), {"request": {"purpose": "hum.assist.delivery.cash"}})
	asked := data.exchange.special_asked with input as but(change)
	asked == set()
}

test_not_in_the_record if {
	without := object.union(person, {"fields": ["record_id", "name"]})
	waiting(data.exchange.pending) == set()
		with input as but(object.union(listing("religion"), {"classes": [without, household]}))
}

test_not_below_identified if {
	item := object.union(listing("religion").agreement.data[0], {"max_form": "ps"})
	waiting(data.exchange.pending) == set()
		with input as but({"agreement": {"data": [item, question.agreement.data[1]]}})
}

test_whereabouts_of_a_found_person_wait if {
	found := data.samples.found_person.question
	waiting(data.exchange.pending) == {"human.dpo:special_category.missing-person.found_contacts"}
		with input as found
	answer := data.exchange.decision with input as found
	answer.classes[0].fields.found_contacts == {"form": "drop", "reason": "pending"}
	answer.classes[0].fields.date_of_birth == {"form": "year"}
}

listing(field) := {"agreement": {"data": [
	object.union(question.agreement.data[0], {"fields": array.concat(question.agreement.data[0].fields, [field])}),
	question.agreement.data[1],
]}}

decision_by(role) := {
	"decision": "human.dpo:special_category.person.religion",
	"by": [role],
	"valid_until": soon,
}
