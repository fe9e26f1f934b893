package exchange_test

test_another_agreement_is_none if {
	data.exchange.agreement == {}
		with input as but({"request": {"agreement": "agr:other"}})
}

test_a_purpose_unknown_is_empty if {
	data.exchange.purpose == {}
		with input as but({"request": {"purpose": "hum.none"}})
}

test_no_basis_is_empty if data.exchange.basis == "" with input as json.remove(question, ["request/legal_basis"])

test_a_basis_unknown_is_empty if {
	data.exchange.basis_rules == {}
		with input as but({"request": {"legal_basis": "lb.none"}})
}

test_no_parties_are_empty if {
	alone := but({"sender": null, "recipient": null})
	data.exchange.sender == {} with input as alone
	data.exchange.recipient == {} with input as alone
}
