package exchange_test

test_what_matrix_and_agreement_name if {
	data.exchange.decision.classes[0].fields.name == {"form": "keep"} with input as question
	data.exchange.decision.classes[0].fields.record_id == {"form": "keep"} with input as question
}

test_the_agreement_is_stricter if {
	data.exchange.decision.classes[0].fields.birth_date == {"form": "year"}
		with input as question
}

test_the_matrix_is_stricter if {
	data.exchange.decision.classes[0].fields.birth_date == {"form": "age_band"}
		with input as but(purpose_is("hum.assist.eligibility"))
}

test_not_in_the_agreement if {
	data.exchange.decision.classes[0].fields.email == {"form": "drop", "reason": "agreement"}
		with input as question
}

test_not_in_the_matrix if {
	data.exchange.decision.classes[0].fields.photo_url == {"form": "drop", "reason": "purpose"}
		with input as question
}

test_always_dropped if {
	data.exchange.decision.classes[0].fields.extension == {"form": "drop", "reason": "always"}
		with input as question
	data.exchange.decision.classes[0].fields.extension == {"form": "drop", "reason": "always"}
		with input as but(item_with({"fields": ["name", "extension"]}))
}

test_withheld_is_marked if {
	data.exchange.decision.classes[0].fields.disability_info == {"form": "null", "reason": "purpose"}
		with input as question
}

test_withheld_is_not_marked if {
	data.exchange.decision.classes[0].fields.disability_info == {"form": "drop", "reason": "purpose"}
		with input as but(item_with({"mark_withheld": false}))
}

test_the_form_of_the_record if {
	change := item_with({"max_form": "ps", "forms": {}})
	data.exchange.decision.classes[0].fields.name == {"form": "null", "reason": "max_form"}
		with input as but(change)
	data.exchange.decision.classes[0].fields.record_id == {"form": "pseudonym"} with input as but(change)
	data.exchange.decision.classes[0].fields.birth_date == {"form": "year"} with input as but(change)
	data.exchange.decision.classes[0].fields.place == {"form": "admin3"} with input as but(change)
	data.exchange.decision.max_form == "ps" with input as but(change)
}

test_no_form_of_the_record_is_the_strictest if {
	item := json.remove(question.agreement.data[0], ["max_form"])
	data.exchange.decision.classes[0].fields.name == {"form": "drop", "reason": "max_form"}
		with input as but({"agreement": {"data": [item]}})
}

test_a_form_of_another_family_drops if {
	data.exchange.decision.classes[0].fields.name == {"form": "drop", "reason": "agreement"}
		with input as but(item_with({"forms": {"name": "year"}}))
	data.exchange.decision.classes[0].fields.place == {"form": "drop", "reason": "agreement"}
		with input as but(item_with({"forms": {"place": "age_band"}}))
	data.exchange.decision.classes[0].fields.name == {"form": "drop", "reason": "agreement"}
		with input as but(item_with({"forms": {"name": "pseudonym"}}))
	data.exchange.decision.classes[0].fields.name == {"form": "drop", "reason": "agreement"}
		with input as but(item_with({"forms": {"name": 1}}))
}

test_the_agreement_may_withhold if {
	data.exchange.decision.classes[0].fields.name == {"form": "drop", "reason": "agreement"}
		with input as but(item_with({"forms": {"name": "drop"}}))
	data.exchange.decision.classes[0].fields.name == {"form": "null", "reason": "agreement"}
		with input as but(item_with({"forms": {"name": "null"}}))
}

test_the_agreement_cannot_widen if {
	change := object.union(item_with({"forms": {"birth_date": "keep"}}), purpose_is("hum.assist.eligibility"))
	data.exchange.decision.classes[0].fields.birth_date == {"form": "age_band"} with input as but(change)
	data.exchange.decision.classes[0].fields.photo_url == {"form": "drop", "reason": "purpose"}
		with input as but(item_with({"forms": {"photo_url": "keep"}}))
}

test_a_record_type_not_granted if {
	data.exchange.decision.classes[0].fields.name == {"form": "drop", "reason": "agreement"}
		with input as but({"agreement": {"data": []}})
}

test_figures_only if {
	change := object.union(purpose_is("hum.coord.needs"), {})
	"minimize.aggregate_only" in data.exchange.objections with input as but(change)
	not "minimize.empty" in data.exchange.objections with input as but(change)
	answer := data.exchange.decision with input as but(change)
	every said in answer.classes[0].fields {
		said == {"form": "drop", "reason": "max_form"}
	}
}

test_an_identifier_alone_is_empty if {
	alone := [object.union(question.agreement.data[0], {"fields": ["record_id", "protection"]})]
	change := {"agreement": {"data": alone}, "classes": [person]}
	data.exchange.objections == {"minimize.empty"} with input as but(change)
}

test_no_matrix_is_empty if {
	"minimize.empty" in data.exchange.objections
		with input as but(purpose_is("hum.coord.presence"))
}

test_what_a_person_may_open_is_not_empty if {
	items := [object.union(question.agreement.data[0], {"fields": ["record_id", "religion"]})]
	data.exchange.objections == set() with input as but({"agreement": {"data": items}, "classes": [person]})
}

test_withheld_values_are_empty if {
	items := [object.union(question.agreement.data[0], {"fields": ["record_id", "disability_info"]})]
	"minimize.empty" in data.exchange.objections
		with input as but({"agreement": {"data": items}, "classes": [person]})
}

purpose_is(id) := {
	"request": {"purpose": id},
	"agreement": {"purposes": [object.union(question.agreement.purposes[0], {"purpose": id})]},
}

item_with(change) := {"agreement": {"data": [
	object.union(json.remove(question.agreement.data[0], object.keys(change)), change),
	question.agreement.data[1],
]}}

test_figures_leave if {
	answer := data.exchange.decision with input as figures
	answer.verdict == "allow"
	answer.max_form == "agg"
	answer.classes[0].fields.population == {"form": "keep"}
	answer.classes[0].fields.place == {"form": "admin2"}
}

test_figures_leave_without_what_may_name_somebody if {
	answer := data.exchange.decision with input as figures
	answer.classes[0].fields.comment == {"form": "drop", "reason": "purpose"}
	answer.classes[0].fields.geometry == {"form": "drop", "reason": "purpose"}
	answer.classes[0].fields.extension == {"form": "drop", "reason": "always"}
}

test_people_among_figures_refuse_all if {
	mixed := data.samples.people_among_figures.question
	data.exchange.objections == {"minimize.aggregate_only"} with input as mixed
}

test_no_figures_are_empty if {
	"minimize.empty" in data.exchange.objections with input as object.union(figures, {"classes": []})
}

test_a_case_for_a_referral if {
	answer := data.exchange.decision with input as referral
	fields := answer.classes[0].fields
	fields.record_id == {"form": "keep"}
	fields.subject == {"form": "keep"}
	fields.note == {"form": "keep"}
	fields.incident_date == {"form": "month"}
	fields.incident_place == {"form": "admin2"}
	fields.incident_account == {"form": "drop", "reason": "always"}
	fields.perpetrator == {"form": "drop", "reason": "always"}
	every name in ["observations", "worker_notes", "caregiver", "survivor_code", "outcome"] {
		fields[name] == {"form": "drop", "reason": "purpose"}
	}
}

figures := data.samples.figures.question

referral := object.union(but(purpose_is("hum.protect.referral")), {
	"agreement": {
		"purposes": [object.union(question.agreement.purposes[0], {"purpose": "hum.protect.referral"})],
		"data": [{"record_type": "case", "fields": case_fields, "max_form": "id"}],
		"retention": [{"record_type": "case", "days": 90}],
	},
	"classes": [{"record_type": "case", "fields": case_fields, "facts": {}}],
})

case_fields := [field | some field, _ in object.get(data.taxonomy.fields, "case", {})]
