package exchange_test

# And of the data of a transfer.
test_only_people_are_identified_in_public if {
	published := but({"recipient": {"kind": "public"}})
	not "public.identified" in ids(data.exchange.class_objections) with input as published
		with data.taxonomy.people_types as ["case"]
}

test_a_consent_opens_no_other_use_of_a_case if {
	asked := about({"case_kind": "gbv", "consent_status": "given"}, {})
	"data.gbv_restricted" in ids(data.exchange.class_objections) with input as asked
}

test_the_whole_answer_about_a_class if {
	objecting := object.union(person, {"facts": {"objected": true}})
	answer := data.exchange.decision with input as but({"classes": [objecting, household]})
	object.remove(answer.classes[0], ["fields", "limits"]) == {
		"record_type": "person",
		"facts": objecting.facts,
		"verdict": "refuse",
		"objections": [{"rule": "data.objection", "fix": data.taxonomy.fixes["data.objection"]}],
	}
	answer.border == {"crosses": true, "destination": "dest.safeguards", "instrument": "own_clauses"}
}

test_a_rule_without_a_fix if {
	answer := data.exchange.decision with input as but({"agreement": {"state": "draft"}})
		with data.taxonomy.fixes as {"question.malformed": "x"}
	answer.objections == [{"rule": "agreement.not_active", "fix": "Ask the data protection officer."}]
}

test_many_figures_need_no_assessment if {
	not "dpia.missing" in data.exchange.objections with input as object.union(figures, {"records": "1000+"})
}

test_what_no_local_policy_may_say if {
	every said in [{"rule": "local.x", "fix": 5}, {"rule": 5, "fix": "x"}] {
		"local.malformed" in data.exchange.objections with input as question with data.local.objections as {said}
	}
}

test_only_figures_are_held_to_figures if {
	not data.exchange.people_among_figures with input as question with data.taxonomy.ceilings as {"id": {}}
}

test_one_type_alone_has_its_form if {
	data.exchange.max_form == "id" with input as but({"classes": [person]})
}

test_a_form_nobody_knows_is_the_strictest if {
	data.exchange.ceiling_of.person == "agg" with input as but(item_with({"max_form": "whatever"}))
}

test_a_special_field_is_narrowed_as_others_are if {
	special := data.samples.special_category.question
	made := {"decision": "human.dpo:special_category.person.religion", "by": ["dpo"], "valid_until": soon}
	item := object.union(special.agreement.data[0], {"forms": {"religion": "null"}})
	answer := data.exchange.decision with input as object.union(special, {
		"context": {"decisions": [made]},
		"agreement": {"data": [item, special.agreement.data[1]]},
	})
	answer.classes[0].fields.religion == {"form": "null", "reason": "agreement"}
}

test_a_form_that_is_asked_for_twice if {
	answer := data.exchange.decision with input as but(item_with({"max_form": "ps"}))
	answer.classes[0].fields.birth_date == {"form": "year"}
}

test_who_dropped_a_field_is_said if {
	item := item_with({"forms": {"sex": "drop"}})
	answer := data.exchange.decision with input as but(item)
		with data.local.narrow as {"person": {"birth_date": "age_band"}}
	answer.classes[0].fields.sex == {"form": "drop", "reason": "agreement"}
	answer.classes[0].fields.birth_date == {"form": "age_band"}
}

test_the_floor_is_for_what_is_not_identified if {
	asked := but({"context": {"risk": {"person": {"k": 1, "l": 1, "risk_permille": 999}}}})
	not "risk.floor" in ids(data.exchange.class_objections) with input as asked
}

test_a_type_is_measured_as_its_most_delicate_class if {
	delicate := object.union(monitored, {"facts": {"disabled_marker": "y"}})
	data.exchange.assessed.person == "sensitive" with input as measured_as({}, [monitored, delicate])
}

test_an_id_that_is_none if {
	every side in ["sender", "recipient"] {
		not data.exchange.well_formed with input as but({side: {"id": 1}})
	}
}

test_a_special_field_of_another_type if {
	special := data.samples.special_category.question
	without := object.union(person, {"fields": ["record_id", "name"]})
	other := object.union(household, {"fields": array.concat(household.fields, ["religion"])})
	data.exchange.special_asked == set() with input as object.union(special, {"classes": [without, other]})
}

test_whatever_is_published_has_a_threshold if {
	needs := {"record_type": "needs", "fields": [], "facts": {}}
	data.exchange.counted == {0} with input as but({"recipient": {"kind": "public"}, "classes": [needs]})
}
