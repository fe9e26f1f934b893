package exchange_test

test_an_archive_waits if {
	{"decision": "human.dpo:archive", "who": "human:dpo"} in data.exchange.needed with input as archiving
}

test_nothing_else_waits if data.exchange.needed == set() with input as question

archiving := but({"request": {"purpose": "hum.archive"}})
