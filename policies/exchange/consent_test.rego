package exchange_test

test_barred if {
	every status in ["refused", "withdrawn", "expired", "invalidated", "not_given"] {
		ids(data.exchange.class_objections) == {sprintf("consent.%s", [status])}
			with input as about({"consent_status": status}, {})
	}
}

test_given if {
	ids(data.exchange.class_objections) == set()
		with input as about({"consent_status": "given"}, on_consent)
}

test_renewed if {
	ids(data.exchange.class_objections) == set()
		with input as about({"consent_status": "renewed"}, on_consent)
}

test_unknown_status if {
	ids(data.exchange.class_objections) == {"consent.missing"}
		with input as about({"consent_status": "unknown"}, on_consent)
}

test_no_status if ids(data.exchange.class_objections) == {"consent.missing"} with input as about({}, on_consent)

test_withdrawn_on_consent if {
	ids(data.exchange.class_objections) == {"consent.withdrawn"}
		with input as about({"consent_status": "withdrawn"}, on_consent)
}

test_no_status_on_another_basis if ids(data.exchange.class_objections) == set() with input as about({}, {})

on_consent := {"request": {"legal_basis": "lb.consent"}}
