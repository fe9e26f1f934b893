package exchange_test

test_de_identified_people_are_measured_first if {
	answer := data.exchange.decision with input as unmeasured
	answer.verdict == "pending"
	answer.assess == ["person"]
	answer.pending == []
	answer.classes[0].fields.birth_date == {"form": "age_band"}
}

test_each_record_type_is_measured if {
	two := measured_as({"person": good_measure}, [monitored, monitored_household])
	data.exchange.assess == ["household"] with input as two
	data.exchange.assess == [] with input as measured_as(
		{"person": good_measure, "household": good_measure},
		[monitored, monitored_household],
	)
	data.exchange.assess == ["household", "person"]
		with input as measured_as({"case": good_measure}, [monitored, monitored_household])
}

test_what_is_identified_or_a_figure_is_not_measured if {
	data.exchange.assess == [] with input as question
	data.exchange.assess == [] with input as but(item_with({"max_form": "ps"}))
	data.exchange.assess == [] with input as figures
}

test_nobody_measures_what_stays if {
	withdrawn := object.union(monitored, {"facts": {"consent_status": "withdrawn"}})
	data.exchange.assess == [] with input as measured_as({}, [withdrawn, monitored_household])
		with data.taxonomy.people_types as ["person"]
}

test_a_refusal_measures_nothing if {
	answer := data.exchange.decision with input as object.union(unmeasured, {"agreement": {"state": "draft"}})
	answer.verdict == "refuse"
	answer.assess == []
}

test_a_partner_receives_five_alike if {
	data.exchange.decision.verdict == "allow" with input as measured_person(5, 2, 200)
	every measure in [[4, 2, 200], [5, 1, 200], [3, 1, 999]] {
		answer := data.exchange.decision with input as measured_person(measure[0], measure[1], measure[2])
		answer.verdict == "pending"
		waiting(answer.pending) == {"human.dpo:disclosure_risk.person"}
		answer.assess == []
	}
}

test_below_the_floor_nobody_decides if {
	decided := {"decision": "human.dpo:disclosure_risk.person", "by": ["dpo"], "valid_until": soon}
	made := {"context": {"decisions": [decided]}}
	decided_three := object.union(measured_person(3, 1, 900), made)
	data.exchange.decision.verdict == "allow" with input as decided_three
	decided_two := object.union(measured_person(2, 1, 900), made)
	data.exchange.decision.verdict == "refuse" with input as decided_two
	ids(data.exchange.class_objections) == {"risk.floor"} with input as decided_two
}

test_the_floor_keeps_back_one_record_type if {
	measures := {"person": {"k": 2, "l": 2, "risk_permille": 10}, "household": good_measure}
	answer := data.exchange.decision with input as measured_as(measures, [monitored, monitored_household])
	answer.verdict == "allow"
	[class.verdict | some class in answer.classes] == ["refuse", "allow"]
}

test_the_public_receives_ten_alike_and_less_than_three_in_a_hundred if {
	waiting(data.exchange.pending) == {"human.dpo:sensitivity.moderate.person"}
		with input as published_person(10, 2, 29)
	every measure in [[9, 2, 29], [10, 1, 29], [10, 2, 30]] {
		"human.dpo:disclosure_risk.person" in waiting(data.exchange.pending)
			with input as published_person(measure[0], measure[1], measure[2])
	}
}

test_the_strictest_of_the_classes_counts if {
	data.exchange.assessed == {"person": "ordinary"} with input as published_person(19, 2, 29)
	data.exchange.assessed == {"person": "sensitive"}
		with input as object.union(published_person(19, 2, 29), {"request": {"purpose": "hum.health.public"}})
}

unmeasured := data.samples.unmeasured.question

monitored := unmeasured.classes[0]

monitored_household := {
	"record_type": "household",
	"fields": ["record_id", "group_size"],
	"facts": {"consent_status": "given"},
}

good_measure := {"k": 20, "l": 4, "risk_permille": 9}

measured_as(measures, classes) := object.union(unmeasured, {
	"context": {"risk": measures},
	"classes": classes,
	"agreement": {
		"data": [
			unmeasured.agreement.data[0],
			{"record_type": "household", "fields": ["record_id", "group_size"], "max_form": "rec"},
		],
		"retention": [
			{"record_type": "person", "days": 1},
			{"record_type": "household", "days": 1},
		],
	},
})

measured_person(k, l, risk) := object.union(
	unmeasured,
	{"context": {"risk": {"person": {"k": k, "l": l, "risk_permille": risk}}}},
)

published_person(k, l, risk) := object.union(measured_person(k, l, risk), {
	"recipient": {"kind": "public"},
	"agreement": {"publication": {"allowed": true}},
})
