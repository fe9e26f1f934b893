package exchange_test

test_the_dpo if data.exchange.decided("human:this", "human:dpo") with input as made_by(["dpo"], soon)

test_not_the_dpo if {
	not data.exchange.decided("human:this", "human:dpo")
		with input as made_by(["legal", "programme"], soon)
}

test_any_one if data.exchange.decided("human:this", "human:one") with input as made_by(["programme"], soon)

test_no_role_we_know if {
	not data.exchange.decided("human:this", "human:one")
		with input as made_by(["visitor"], soon)
}

test_nobody if not data.exchange.decided("human:this", "human:one") with input as made_by([], soon)

test_two if data.exchange.decided("human:this", "human:two") with input as made_by(["programme", "dpo"], soon)

test_one_twice if not data.exchange.decided("human:this", "human:two") with input as made_by(["dpo", "dpo"], soon)

test_run_out if not data.exchange.decided("human:this", "human:dpo") with input as made_by(["dpo"], now)

test_run_out_long_ago if {
	not data.exchange.decided("human:this", "human:dpo") with input as made_by(["dpo"], "2026-11-21T08:00:00Z")
}

test_no_end_stated if {
	made := [{"decision": "human:this", "by": ["dpo"]}]
	not data.exchange.decided("human:this", "human:dpo") with input as but({"context": {"decisions": made}})
}

test_another_decision if {
	made := [{"decision": "human.dpo:other", "by": ["dpo"], "valid_until": soon}]
	not data.exchange.decided("human.dpo:this", "human:dpo") with input as but({"context": {"decisions": made}})
}

test_made_in_the_agreement if {
	made := [{"decision": "human.dpo:this", "by": ["dpo"], "valid_until": soon}]
	data.exchange.decided("human.dpo:this", "human:dpo") with input as but({"agreement": {"decisions": made}})
}

test_two_records_of_one_decision if {
	first := [{"decision": "human.two:this", "by": ["dpo"], "valid_until": soon}]
	second := [{"decision": "human.two:this", "by": ["legal"], "valid_until": soon}]
	change := {"agreement": {"decisions": first}, "context": {"decisions": second}}
	data.exchange.decided("human.two:this", "human:two") with input as but(change)
}

test_two_officers if {
	data.exchange.decided("human:this", "human:two")
		with input as named({"by": ["dpo", "legal"], "officers": ["officer:1", "officer:2"]})
}

test_one_officer_in_two_roles if {
	not data.exchange.decided("human:this", "human:two")
		with input as named({"by": ["dpo", "legal"], "officers": ["officer:1"]})
	not data.exchange.decided("human:this", "human:two")
		with input as named({"by": ["dpo", "legal"], "officers": ["officer:1", "officer:1"]})
	data.exchange.decided("human:this", "human:dpo")
		with input as named({"by": ["dpo", "legal"], "officers": ["officer:1"]})
}

test_one_officer_in_two_records if {
	made := [
		{"decision": "human:this", "by": ["dpo"], "valid_until": soon, "officers": ["officer:1"]},
		{"decision": "human:this", "by": ["legal"], "valid_until": soon, "officers": ["officer:1"]},
	]
	not data.exchange.decided("human:this", "human:two") with input as but({"context": {"decisions": made}})
}

test_two_officers_in_two_records if {
	made := [
		{"decision": "human:this", "by": ["dpo"], "valid_until": soon, "officers": ["officer:1"]},
		{"decision": "human:this", "by": ["legal"], "valid_until": soon, "officers": ["officer:2"]},
	]
	data.exchange.decided("human:this", "human:two") with input as but({"context": {"decisions": made}})
}

test_one_named_officer_and_one_without_a_name if {
	made := [
		{"decision": "human:this", "by": ["dpo"], "valid_until": soon, "officers": ["officer:1"]},
		{"decision": "human:this", "by": ["legal"], "valid_until": soon},
	]
	not data.exchange.decided("human:this", "human:two") with input as but({"context": {"decisions": made}})
}

test_no_officer_at_all if {
	not data.exchange.decided("human:this", "human:one") with input as named({"officers": []})
	not data.exchange.decided("human:this", "human:dpo") with input as named({"officers": []})
}

test_nobody_decides_what_they_asked_for if {
	not data.exchange.decided("human:this", "human:one")
		with input as named({"officers": ["officer:1"], "requested_by": "officer:1"})
	not data.exchange.decided("human:this", "human:two")
		with input as named({
			"by": ["dpo", "legal"],
			"officers": ["officer:1", "officer:2"],
			"requested_by": "officer:2",
		})
	data.exchange.decided("human:this", "human:dpo")
		with input as named({"officers": ["officer:1"], "requested_by": "officer:2"})
}

test_who_decided_what_was_asked_for_is_named if {
	not data.exchange.decided("human:this", "human:dpo") with input as named({"requested_by": "officer:2"})
}

test_a_year_from_when_it_was_made if {
	made := "2026-01-01T00:00:00Z"
	data.exchange.decided("human:this", "human:dpo")
		with input as named({"at": made, "valid_until": "2027-01-02T00:00:00Z"})
	not data.exchange.decided("human:this", "human:dpo")
		with input as named({"at": made, "valid_until": "2027-01-02T00:00:01Z"})
}

test_made_now if data.exchange.decided("human:this", "human:dpo") with input as named({"at": now})

test_made_later if not data.exchange.decided("human:this", "human:dpo") with input as named({"at": soon})

test_an_end_no_calendar_has if {
	not data.exchange.decided("human:this", "human:dpo")
		with input as named({"at": now, "valid_until": "2027-00-01T00:00:00Z"})
}

test_the_agreement_decides_alike if {
	made := {"decision": "human:this", "by": ["dpo"], "valid_until": soon, "requested_by": "o", "officers": ["o"]}
	not data.exchange.decided("human:this", "human:dpo") with input as but({"agreement": {"decisions": [made]}})
}

test_two_different_roles if {
	roles := data.taxonomy.roles
	every i, first_role in roles {
		every j, second_role in roles {
			either(i == j, first_role, second_role)
		}
	}
}

either(true, first_role, second_role) if {
	not data.exchange.decided("human:this", "human:two") with input as made_by([first_role, second_role], soon)
}

either(false, first_role, second_role) if {
	data.exchange.decided("human:this", "human:two") with input as made_by([first_role, second_role], soon)
}

named(change) := but({"context": {"decisions": [object.union(
	{"decision": "human:this", "by": ["dpo"], "valid_until": soon},
	change,
)]}})
