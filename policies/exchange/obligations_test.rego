package exchange_test

test_of_the_sample if {
	data.exchange.decision.obligations == ["acknowledge", "delete_within_days:365", "inform_people", "no_onward"]
		with input as question
}

test_onward_is_agreed if {
	not "no_onward" in data.exchange.decision.obligations
		with input as but({"agreement": {"onward": {"allowed": true}}})
}

test_a_word_agrees_to_nothing if {
	"no_onward" in data.exchange.decision.obligations
		with input as but({"agreement": {"onward": {"allowed": "true"}}})
}

test_the_shortest_period if {
	periods := [{"record_type": "person", "days": 30}, {"record_type": "household", "days": 90}]
	"delete_within_days:30" in data.exchange.decision.obligations
		with input as but({"agreement": {"retention": periods}})
}

test_people_who_consented_know_of_it if {
	same := {"regimes": [{"kind": "state", "id": "KE"}]}
	change := {"request": {"legal_basis": "lb.consent"}, "recipient": same}
	not "inform_people" in data.exchange.obligations with input as but(change)
}

test_people_who_consented_hear_of_a_border if {
	"inform_people" in data.exchange.obligations with input as but({"request": {"legal_basis": "lb.consent"}})
}

test_an_archive_is_sealed if {
	"seal" in data.exchange.obligations with input as but({"request": {"purpose": "hum.archive"}})
}

test_a_vital_case_ends if {
	change := {
		"request": {"legal_basis": "lb.vital"},
		"recipient": {"regimes": [{"kind": "state", "id": "UG"}]},
	}
	"end_with_case" in data.exchange.obligations with input as but(change)
}
