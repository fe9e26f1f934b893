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
