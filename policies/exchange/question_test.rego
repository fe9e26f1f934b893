package exchange_test

about(facts, change) := object.union(but(facts_of(facts)), change)

facts_of(facts) := {"classes": [object.union(json.remove(person, ["facts"]), {"facts": facts})]}

ids(objected) := {pair[1] | some pair in objected}

waiting(items) := {item.decision | some item in items}

made_by(roles, until) := but({"context": {"decisions": [{
	"decision": "human:this",
	"by": roles,
	"valid_until": until,
}]}})

question := data.samples.registration.question

person := question.classes[0]

household := question.classes[1]

now := "2026-11-22T08:00:00Z"

soon := "2026-11-22T08:00:01Z"

but(change) := object.union(question, change)
