package exchange_test

test_gbv_elsewhere if {
	ids(data.exchange.class_objections) == {"data.gbv_restricted"}
		with input as about({"case_kind": "gbv"}, {})
}

test_child_elsewhere if {
	ids(data.exchange.class_objections) == {"data.child_restricted"}
		with input as about({"case_kind": "child"}, {})
}

test_gbv_for_its_case if {
	ids(data.exchange.class_objections) == set()
		with input as about({"case_kind": "gbv"}, purpose_of("hum.protect.gbv"))
}

test_child_for_its_case if {
	ids(data.exchange.class_objections) == set()
		with input as about({"case_kind": "child"}, purpose_of("hum.protect.child"))
}

test_a_referral_with_consent if {
	facts := {"case_kind": "gbv", "consent_status": "given"}
	ids(data.exchange.class_objections) == set() with input as about(facts, purpose_of("hum.protect.referral"))
}

test_a_referral_without_consent if {
	ids(data.exchange.class_objections) == {"data.gbv_restricted"}
		with input as about({"case_kind": "gbv"}, purpose_of("hum.protect.referral"))
}

purpose_of(id) := {"request": {"purpose": id}}

test_figures_of_child_cases_are_coordinated if {
	ids(data.exchange.class_objections) == set()
		with input as figure_of({"case_kind": "child"}, figures)
}

test_figures_of_gbv_are_consolidated if {
	ids(data.exchange.class_objections) == {"data.gbv_restricted"}
		with input as figure_of({"case_kind": "gbv"}, figures)
	consolidated := object.union(figures, {"agreement": {"kind": "consolidation"}})
	ids(data.exchange.class_objections) == set() with input as figure_of({"case_kind": "gbv"}, consolidated)
}

test_figures_of_cases_serve_nothing_else if {
	reported := object.union(figures, purpose_of("hum.account.donor"))
	"data.child_restricted" in ids(data.exchange.class_objections)
		with input as figure_of({"case_kind": "child"}, reported)
}

test_records_of_cases_are_no_figures if {
	"data.child_restricted" in ids(data.exchange.class_objections)
		with input as about({"case_kind": "child"}, purpose_of("hum.coord.needs"))
}
