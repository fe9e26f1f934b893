package exchange_test

test_no_sender if "party.sender_unknown" in data.exchange.objections with input as but({"sender": null})

test_another_sender if {
	"party.sender_unknown" in data.exchange.objections
		with input as but({"sender": {"id": "org:z"}})
}

test_no_recipient if "party.recipient_unknown" in data.exchange.objections with input as but({"recipient": null})

test_another_recipient if {
	"party.recipient_unknown" in data.exchange.objections
		with input as but({"recipient": {"id": "org:z"}})
}

test_a_recipient_of_no_kind if {
	data.exchange.objections == {"party.recipient_kind_missing"}
		with input as but({"recipient": {"kind": ""}})
}

test_a_kind_no_red_line_knows if {
	data.exchange.objections == {"party.recipient_kind_unknown"}
		with input as but({"recipient": {"kind": "gov.police"}})
}

test_a_suspended_party if {
	data.exchange.objections == {"party.suspended"} with input as but({"sender": {"status": "suspended"}})
	data.exchange.objections == {"party.suspended"} with input as but({"recipient": {"status": "suspended"}})
}

test_no_status_stated if {
	data.exchange.objections == {"party.suspended"} with input as json.remove(question, ["sender/status"])
	data.exchange.objections == {"party.suspended"} with input as json.remove(question, ["recipient/status"])
}
