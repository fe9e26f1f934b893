package exchange

# METADATA
# scope: rule
# title: How far apart two instants are
# description: |
#   The seconds of an instant, and the same day and hour some months before it. Counted here, for a
#   date that no calendar has would be an error of the engine and not an answer.
seconds_at(instant) := ((((days * 24) + hours) * 3600) + (minutes * 60)) + seconds if {
	year := number_in(instant, 0, 4) - 10000
	month := substring(instant, 5, 2)
	leaping := year - object.get(data.taxonomy.before_leap_day, month, 0)
	leaps := (floor(leaping / 4) - floor(leaping / 100)) + floor(leaping / 400)
	days := (((year * 365) + leaps) + data.taxonomy.days_before_month[month]) + (number_in(instant, 8, 2) - 100)
	hours := number_in(instant, 11, 2) - 100
	minutes := number_in(instant, 14, 2) - 100
	seconds := number_in(instant, 17, 2) - 100
}

# A one before the digits: engines read leading zeros differently.
number_in(instant, from, length) := to_number(concat("", ["1", substring(instant, from, length)]))

months_before(instant, months) := concat("-", [
	substring(format_int(year + 10000, 10), 1, 4),
	substring(format_int(month + 101, 10), 1, 2),
	substring(instant, 8, 12),
]) if {
	total := ((((number_in(instant, 0, 4) - 10000) * 12) + number_in(instant, 5, 2)) - 101) - months
	year := floor(total / 12)
	month := total - (year * 12)
}
