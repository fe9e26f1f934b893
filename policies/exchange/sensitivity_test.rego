package exchange_test

test_the_strictest_of_three_counts if {
	every case in [
		[{}, {}, "moderate"],
		[{"sensitivity": "low"}, {}, "moderate"],
		[{"sensitivity": "high"}, {}, "high"],
		[{}, {"person": "high"}, "high"],
		[{}, {"person": "low"}, "moderate"],
		[{}, {"household": "severe"}, "moderate"],
		[{"sensitivity": "severe"}, {"person": "high"}, "severe"],
		[{"sensitivity": "high"}, {"person": "severe"}, "severe"],
	] {
		data.exchange.sensitivity == {0: case[2]}
			with input as about(case[0], {"context": {"sensitivity": case[1]}})
	}
}

test_without_a_classification_the_type_counts if {
	data.exchange.sensitivity == {0: "moderate", 1: "moderate"}
		with input as json.remove(question, ["context/sensitivity"])
}

test_a_level_nobody_knows_refuses if {
	"sensitivity.unknown" in ids(data.exchange.class_objections)
		with input as about({"sensitivity": "secret"}, {})
	"sensitivity.unknown" in ids(data.exchange.class_objections)
		with input as about({}, {"context": {"sensitivity": {"person": "secret"}}})
	"sensitivity.unknown" in ids(data.exchange.class_objections)
		with input as about({}, {}) with data.taxonomy.type_sensitivity as {}
}

test_one_unknown_level_refuses_one_class if {
	strange := object.union(person, {"facts": {"sensitivity": "secret"}})
	asked := but({"classes": [strange, household]})
	{pair | some pair in data.exchange.class_objections} == {[0, "data.fact_unknown"], [0, "sensitivity.unknown"]}
		with input as asked
}

test_a_partner_receives_all_but_the_severe if {
	every level in ["low", "moderate", "high"] {
		data.exchange.pending == [] with input as about({"sensitivity": level}, {})
	}
	waiting(data.exchange.pending) == {"human.dpo:sensitivity.severe.person"}
		with input as about({"sensitivity": "severe"}, {})
}

test_what_a_person_decided_leaves if {
	decided := {"decision": "human.dpo:sensitivity.severe.person", "by": ["dpo"], "valid_until": soon}
	data.exchange.decision.verdict == "allow"
		with input as about({"sensitivity": "severe"}, {"context": {"decisions": [decided]}})
}

test_a_record_that_stays_asks_for_no_decision if {
	data.exchange.pending == [] with input as about({"sensitivity": "severe", "objected": true}, {})
}

test_records_for_the_public if {
	every level, answer in {
		"moderate": [set(), {"human.dpo:sensitivity.moderate.person"}],
		"high": [{"sensitivity.not_public"}, set()],
		"severe": [{"sensitivity.not_public"}, set()],
	} {
		asked := about(
			{"sensitivity": level},
			object.union(item_with({"max_form": "rec"}), {"recipient": {"kind": "public"}}),
		)
		ids(data.exchange.class_objections) == answer[0] with input as asked
		waiting(data.exchange.pending) == answer[1] with input as asked
	}
}

test_a_low_record_for_the_public if {
	asked := object.union(published_figure, {
		"classes": [{"record_type": "alert", "fields": ["info"], "facts": {}}],
		"agreement": {
			"data": [{"record_type": "alert", "fields": ["info"], "max_form": "agg"}],
			"retention": [{"record_type": "alert", "days": 1}],
		},
	})
	ids(data.exchange.class_objections) == set() with input as asked
	data.exchange.pending == [] with input as asked
}

test_figures_for_the_public if {
	every level, answer in {
		"low": [set(), {"k": 12, "min_pop": 5000}],
		"moderate": [set(), {"k": 12, "min_pop": 5000}],
		"high": [set(), {"k": 20, "min_pop": 20000}],
		"severe": [{"sensitivity.not_public"}, {"k": 12, "min_pop": 5000}],
	} {
		asked := figure_of({"sensitivity": level}, published_figure)
		ids(data.exchange.class_objections) == answer[0] with input as asked
		data.exchange.limits[0] == answer[1] with input as asked
	}
}

test_figures_for_a_partner if {
	data.exchange.pending == [] with input as figure_of({"sensitivity": "high"}, figures)
	waiting(data.exchange.pending) == {"human.dpo:sensitivity.severe.needs"}
		with input as figure_of({"sensitivity": "severe"}, figures)
}

figure_of(facts, asked) := object.union(
	asked,
	{"classes": [object.union(json.remove(asked.classes[0], ["facts"]), {"facts": facts})]},
)
