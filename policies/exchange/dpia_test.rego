package exchange_test

test_a_large_flow_needs_an_assessment if {
	data.exchange.objections == {"dpia.missing"} with input as but({"records": "1000+"})
	data.exchange.objections == {"dpia.missing"}
		with input as object.union(but(item_with({"max_form": "ps"})), {"records": "1000+", "classes": [person]})
}

test_a_small_flow_needs_none if data.exchange.objections == set() with input as but({"records": "100-999"})

test_a_standing_flow_needs_an_assessment if {
	every frequency in ["daily", "weekly", "monthly", "continuous", "hourly"] {
		raised := data.exchange.objections with input as but(item_with({"frequency": frequency}))
		raised == {"dpia.missing"}
	}
}

test_a_flow_on_demand_needs_none if {
	every frequency in ["once", "on_demand"] {
		raised := data.exchange.objections with input as but(item_with({"frequency": frequency}))
		raised == set()
	}
}

test_a_standing_flow_about_nobody_to_be_recognised if {
	change := item_with({"frequency": "daily", "max_form": "rec"})
	data.exchange.objections == set() with input as but(object.union(change, {"classes": [person]}))
}

test_biometrics_need_an_assessment if {
	data.exchange.objections == {"dpia.missing"} with input as but(categories(["pd:Biometric"]))
}

test_a_large_flow_with_an_assessment if {
	data.exchange.objections == set() with input as large({"dpia_ref": "d:1"})
	data.exchange.objections == set() with input as large({"dpia": assessed("low", soon)})
}

test_an_assessment_without_a_name if {
	data.exchange.objections == {"dpia.missing"} with input as large({"dpia_ref": ""})
}

test_an_assessment_whose_review_is_due_now if {
	data.exchange.objections == {"dpia.missing"} with input as large({"dpia": assessed("low", now)})
	data.exchange.objections == {"dpia.missing"} with input as large({"dpia": assessed("low", now), "dpia_ref": "d:1"})
}

test_an_assessment_without_a_review if {
	data.exchange.objections == {"dpia.missing"} with input as large({"dpia": {"outcome": "low"}})
}

test_a_high_risk_waits if {
	waiting(data.exchange.needed) == {"human.dpo:dpia_high"}
		with input as but({"agreement": {"safeguards": {"dpia": assessed("high", soon)}}})
}

test_an_outcome_nobody_stated_waits if {
	waiting(data.exchange.needed) == {"human.dpo:dpia_high"}
		with input as but({"agreement": {"safeguards": {"dpia": {"next_review": soon}}}})
}

test_a_lower_risk_does_not_wait if {
	every outcome in ["low", "medium"] {
		waits := data.exchange.needed
			with input as but({"agreement": {"safeguards": {"dpia": assessed(outcome, soon)}}})
		waits == set()
	}
}

large(safeguards) := but({"records": "1000+", "agreement": {"safeguards": safeguards}})

assessed(outcome, review) := {"ref": "d:1", "outcome": outcome, "next_review": review}
