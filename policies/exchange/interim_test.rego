package exchange_test

test_thirty_days if {
	data.exchange.objections == set() with input as interim("2026-11-01T00:00:00Z", "2026-12-01T00:00:00Z")
}

test_a_second_more_than_thirty_days if {
	data.exchange.objections == {"agreement.interim_too_long"}
		with input as interim("2026-11-01T00:00:00Z", "2026-12-01T00:00:01Z")
}

test_other_kinds_may_last if data.exchange.objections == set() with input as question

test_an_end_no_calendar_has_is_too_long if {
	"agreement.interim_too_long" in data.exchange.objections
		with input as interim("2026-11-01T00:00:00Z", "2026-13-01T00:00:00Z")
}

test_an_interim_agreement_without_an_end_is_too_long if {
	without := json.remove(interim("2026-11-01T00:00:00Z", "2026-12-01T00:00:00Z"), ["agreement/scope/end"])
	data.exchange.objections == {"agreement.expired", "agreement.interim_too_long"} with input as without
}

interim(start, end) := but({"agreement": {"kind": "emergency_interim", "scope": {"start": start, "end": end}}})
