package exchange_test

test_no_limit_for_a_partner_who_receives_people if data.exchange.limits == {} with input as question

test_a_partner_receives_no_figure_below_five if {
	data.exchange.limits == {0: {"k": 5, "min_pop": 0}} with input as figures
}

test_where_people_may_leave_a_figure_has_no_k if {
	every asked in ["hum.health.public", "hum.health.emergency", "hum.archive"] {
		data.exchange.limits == {} with input as object.union(figures, {"request": {"purpose": asked}})
	}
	every asked in ["hum.coord.presence", "hum.account.evaluation", "hum.account.donor"] {
		data.exchange.limits[0].k == 5 with input as object.union(figures, {"request": {"purpose": asked}})
	}
}

test_a_partner_receives_no_small_figure_of_cases_or_of_disability if {
	every facts in [{"case_kind": "gbv"}, {"case_kind": "child"}, {"disabled_marker": "y"}] {
		data.exchange.limits[0] == {"k": 20, "min_pop": 0} with input as figure_of(facts, figures)
	}
	data.exchange.limits[0].k == 5 with input as figure_of({"disabled_marker": "n"}, figures)
	asked := object.union(figures, {"request": {"purpose": "hum.health.public"}})
	data.exchange.limits[0].k == 20 with input as figure_of({"case_kind": "gbv"}, asked)
}

test_the_public_receives_more_people_and_larger_places if {
	data.exchange.limits[0] == {"k": 10, "min_pop": 5000}
		with input as json.remove(published_figure, ["agreement/publication/thresholds"])
	data.exchange.limits[0] == {"k": 20, "min_pop": 20000}
		with input as figure_of({"case_kind": "child"}, published_figure)
	data.exchange.limits[0] == {"k": 20, "min_pop": 20000}
		with input as figure_of({"disabled_marker": "y"}, published_figure)
}

test_health_is_sensitive_when_published if {
	asked := object.union(figures, {
		"request": {"purpose": "hum.health.public"},
		"recipient": {"kind": "public"},
	})
	data.exchange.limits[0] == {"k": 20, "min_pop": 20000} with input as asked
}

test_places_of_records_have_a_limit_for_the_public_only if {
	data.exchange.limits == {0: {"k": 0, "min_pop": 5000}, 1: {"k": 0, "min_pop": 5000}}
		with input as but({"recipient": {"kind": "public"}})
}

test_an_agreement_asks_for_more if {
	data.exchange.limits[0] == {"k": 15, "min_pop": 9000}
		with input as publishing({"k": 15, "l": 3, "risk_permille": 10, "min_pop": 9000})
	data.exchange.thresholds.ordinary == {"k": 15, "l": 3, "risk_permille": 10, "min_pop": 9000}
		with input as publishing({"k": 15, "l": 3, "risk_permille": 10, "min_pop": 9000})
	data.exchange.thresholds.sensitive == {"k": 20, "l": 3, "risk_permille": 10, "min_pop": 20000}
		with input as publishing({"k": 15, "l": 3, "risk_permille": 10, "min_pop": 9000})
}

test_an_agreement_never_asks_for_less if {
	data.exchange.thresholds == usual_for_the_public
		with input as publishing({"k": 9, "l": 1, "risk_permille": 31, "min_pop": 4999})
	data.exchange.thresholds == usual_for_the_public
		with input as publishing({"k": 0, "l": 0, "risk_permille": 1000, "min_pop": 0})
	data.exchange.thresholds == usual_for_the_public with input as publishing({})
}

test_thresholds_of_publication_are_no_partners if {
	asked := object.union(figures, {"agreement": {"publication": {"thresholds": {"k": 50}}}})
	data.exchange.limits[0].k == 5 with input as asked
}

publishing(thresholds) := object.union(
	json.remove(published_figure, ["agreement/publication/thresholds"]),
	{"agreement": {"publication": {"thresholds": thresholds}}},
)

usual_for_the_public := {
	"ordinary": {"k": 10, "l": 2, "risk_permille": 30, "min_pop": 5000},
	"sensitive": {"k": 20, "l": 2, "risk_permille": 30, "min_pop": 20000},
}
