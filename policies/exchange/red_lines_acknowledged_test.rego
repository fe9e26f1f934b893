package exchange_test

test_not_acknowledged if {
	data.exchange.objections == {"agreement.red_lines_not_acknowledged"}
		with input as but({"agreement": {"red_lines_acknowledged": false}})
}

test_not_said if {
	unsaid := json.remove(question, ["agreement/red_lines_acknowledged"])
	data.exchange.objections == {"agreement.red_lines_not_acknowledged"} with input as unsaid
}

test_a_word_is_no_yes if {
	data.exchange.objections == {"agreement.red_lines_not_acknowledged"}
		with input as but({"agreement": {"red_lines_acknowledged": "true"}})
}
