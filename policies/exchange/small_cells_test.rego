package exchange_test

test_a_class_of_small_counts_leaves_without_them if {
	every count_class, answer in {"0": "whole", "1-2": "few", "3-4": "few", "5-9": "whole", "20+": "whole"} {
		population_of(figure_of({"count_class": count_class}, figures), answer)
	}
}

test_for_the_public_more_is_small if {
	asked := json.remove(published_figure, ["agreement/publication/thresholds"])
	every count_class, answer in {"0": "whole", "1-2": "few", "5-9": "few", "10-19": "whole", "20+": "whole"} {
		population_of(figure_of({"count_class": count_class}, asked), answer)
	}
	every count_class, answer in {"10-19": "few", "20+": "whole"} {
		population_of(figure_of({"count_class": count_class, "case_kind": "child"}, asked), answer)
		population_of(figure_of({"count_class": count_class, "sensitivity": "high"}, asked), answer)
	}
}

# What stands between the ends of a class of counts the gateway sees, and policy does not.
test_a_class_that_a_threshold_divides_is_left_to_the_gateway if {
	population_of(figure_of({"count_class": "10-19"}, publishing({"k": 15})), "whole")
	population_of(figure_of({"count_class": "10-19"}, publishing({"k": 19})), "whole")
	population_of(figure_of({"count_class": "10-19"}, publishing({"k": 20})), "few")
}

test_the_other_fields_leave if {
	answer := data.exchange.decision with input as figure_of({"count_class": "1-2"}, figures)
	answer.verdict == "allow"
	answer.classes[0].fields.sector_code == {"form": "keep"}
	answer.classes[0].fields.comment == {"form": "drop", "reason": "purpose"}
	answer.classes[0].limits == {"k": 5, "min_pop": 0}
}

test_what_would_not_leave_keeps_its_reason if {
	changed := object.union(figure_of({"count_class": "1-2"}, figures), agreed_fields(["record_id", "place"]))
	population_of(changed, "whole")
	data.exchange.decision.classes[0].fields.population == {"form": "drop", "reason": "agreement"}
		with input as changed
}

test_nothing_but_small_counts_is_nothing if {
	asked := object.union(figures, agreed_fields(["record_id", "population"]))
	data.exchange.objections == {"minimize.empty"} with input as figure_of({"count_class": "1-2"}, asked)
	data.exchange.objections == set() with input as figure_of({"count_class": "5-9"}, asked)
}

test_figures_of_cases_are_coarse if {
	answer := data.exchange.decision with input as figure_of({"case_kind": "child"}, figures)
	answer.verdict == "allow"
	answer.classes[0].fields.place == {"form": "admin1"}
	answer.classes[0].fields.record_id == {"form": "pseudonym"}
	answer.classes[0].fields.sector_code == {"form": "keep"}
	answer.classes[0].fields.population == {"form": "keep"}
}

test_figures_of_cases_name_no_agency_and_no_day if {
	fields := data.exchange.decision.classes[0].fields with input as all_of_a_case("bilateral")
	fields.provider == {"form": "drop", "reason": "purpose"}
	fields.reported_on == {"form": "year"}
	fields.origin_place == {"form": "admin1"}
}

test_a_consolidated_table_is_monthly if {
	fields := data.exchange.decision.classes[0].fields with input as all_of_a_case("consolidation")
	fields.provider == {"form": "drop", "reason": "purpose"}
	fields.reported_on == {"form": "month"}
}

test_the_agreement_may_be_coarser_than_that if {
	item := object.union(all_of_a_case("bilateral").agreement.data[0], coarser)
	asked := object.union(all_of_a_case("bilateral"), {"agreement": {"data": [item]}})
	fields := data.exchange.decision.classes[0].fields with input as asked
	fields.place == {"form": "admin0"}
	fields.reported_on == {"form": "drop", "reason": "agreement"}
}

test_a_record_of_a_case_is_no_figure if {
	data.exchange.class_codes == {}
		with input as about({"case_kind": "gbv"}, {"request": {"purpose": "hum.protect.gbv"}})
}

coarser := {"forms": {"place": "admin0", "reported_on": "drop"}}

agreed_fields(fields) := {"agreement": {"data": [object.union(figures.agreement.data[0], {"fields": fields})]}}

population_of(asked, "few") if data.exchange.class_codes[0].population == "drop:small_cell" with input as asked

population_of(asked, "whole") if not data.exchange.class_codes[0].population with input as asked

all_of_a_case(kind) := object.union(figures, {
	"classes": [{
		"record_type": "needs",
		"fields": ["record_id", "place", "origin_place", "provider", "reported_on", "population"],
		"facts": {"case_kind": "child"},
	}],
	"agreement": {
		"kind": kind,
		"release_given": [{"party": "org:a", "valid_until": soon}, {"party": "org:b", "valid_until": soon}],
		"data": [{
			"record_type": "needs",
			"fields": ["record_id", "place", "origin_place", "provider", "reported_on", "population"],
			"max_form": "agg",
		}],
	},
})
