package exchange_test

test_the_sample_is_allowed if {
	answer := data.exchange.decision with input as question
	answer.verdict == "allow"
	answer.objections == []
	answer.pending == []
	[class.verdict | some class in answer.classes] == ["allow", "allow"]
}

test_an_objection_refuses_whatever_is_decided if {
	answer := data.exchange.decision with input as but({"request": {"purpose": "red.sale"}})
	answer.verdict == "refuse"
	"red.sale" in {objection.rule | some objection in answer.objections}
	every class in answer.classes {
		every said in class.fields {
			said.form == "drop"
		}
	}
	answer.obligations == []
}

test_what_an_objection_keeps_back_says_so if {
	answer := data.exchange.decision with input as but({"records": "0", "agreement": {"state": "draft"}})
	answer.classes[0].fields.name == {"form": "drop", "reason": "objection"}
	answer.classes[0].fields.email == {"form": "drop", "reason": "agreement"}
}

test_a_decision_to_be_made_holds if {
	answer := data.exchange.decision with input as but(data.samples.special_category.question)
	answer.verdict == "pending"
	answer.obligations != []
}

test_one_class_may_stay_behind if {
	answer := data.exchange.decision
		with input as but({"classes": [object.union(person, {"facts": {"objected": true}}), household]})
	answer.verdict == "allow"
	[class.verdict | some class in answer.classes] == ["refuse", "allow"]
	answer.classes[0].fields.name == {"form": "drop", "reason": "objection"}
	answer.classes[1].fields.group_size == {"form": "keep"}
}

test_an_unreadable_question_is_refused if {
	answer := data.exchange.decision with input as {}
	answer.verdict == "refuse"
	[objection.rule | some objection in answer.objections] == ["question.malformed"]
}

test_no_answer_is_a_refusal if {
	answer := data.exchange.decision with input as {} with data.taxonomy.fixes as {}
	answer.verdict == "refuse"
	answer.objections[0].rule == "error.undefined"
}

test_a_class_says_its_limits if {
	answer := data.exchange.decision with input as figures
	[class.limits | some class in answer.classes] == [{"k": 5, "min_pop": 0}]
	none := data.exchange.decision with input as question
	[class.limits | some class in none.classes] == [{"k": 0, "min_pop": 0}, {"k": 0, "min_pop": 0}]
}

test_no_answer_measures_nothing if {
	answer := data.exchange.decision with input as {} with data.taxonomy.fixes as {}
	answer.assess == []
	unreadable_answer := data.exchange.decision with input as {}
	unreadable_answer.assess == []
}
