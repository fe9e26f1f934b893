package exchange_test

test_a_day_has_its_seconds if {
	apart("2026-11-22T08:00:00Z", "2026-11-23T08:00:00Z") == 86400
	apart("2026-11-22T08:00:00Z", "2026-11-22T08:00:01Z") == 1
	apart("2026-11-22T08:09:59Z", "2026-11-22T10:08:59Z") == 7140
}

test_every_month_has_its_days if {
	starts := [sprintf("2026-%s-01T00:00:00Z", [month]) |
		some month in ["01", "02", "03", "04", "05", "06", "07", "08", "09", "10", "11", "12"]
	]
	lengths := [(apart(start, starts[i + 1]) / 86400) | some i, start in starts; i < 11]
	lengths == [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30]
	apart("2026-12-01T00:00:00Z", "2027-01-01T00:00:00Z") == 31 * 86400
}

test_leap_years_are_longer if {
	year("2027") == 365
	year("2028") == 366
	year("2000") == 366
	year("2100") == 365
	apart("2028-02-28T00:00:00Z", "2028-03-01T00:00:00Z") == 2 * 86400
}

test_a_month_no_calendar_has_is_no_time if {
	not data.exchange.seconds_at("2026-13-01T00:00:00Z")
	not data.exchange.seconds_at("2026-00-01T00:00:00Z")
}

test_months_before if {
	data.exchange.months_before("2027-06-30T00:00:01Z", 3) == "2027-03-30T00:00:01Z"
	data.exchange.months_before("2027-01-31T00:00:00Z", 3) == "2026-10-31T00:00:00Z"
	data.exchange.months_before("2027-03-09T10:11:12Z", 3) == "2026-12-09T10:11:12Z"
	data.exchange.months_before("2027-12-01T00:00:00Z", 12) == "2026-12-01T00:00:00Z"
}

apart(first, second) := data.exchange.seconds_at(second) - data.exchange.seconds_at(first)

year(text) := (data.exchange.seconds_at(sprintf("%s-12-31T00:00:00Z", [text])) / 86400) - last if {
	before := substring(format_int(to_number(text) - 1, 10), 0, 4)
	last := data.exchange.seconds_at(sprintf("%s-12-31T00:00:00Z", [before])) / 86400
}
