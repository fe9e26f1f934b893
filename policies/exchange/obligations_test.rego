package exchange_test

test_of_the_sample if {
	data.exchange.decision.obligations == ["acknowledge", "delete_within_days:365", "inform_people", "no_onward"]
		with input as question
}

test_onward_is_agreed if {
	taken := data.exchange.decision.obligations
		with input as but({"agreement": {"onward": {"allowed": true, "recipients": ["org:c"]}}})
	"notify_sender_on_onward" in taken
	not "no_onward" in taken
}

test_onward_to_nobody_is_not_agreed if {
	taken := data.exchange.decision.obligations
		with input as but({"agreement": {"onward": {"allowed": true, "recipients": []}}})
	"no_onward" in taken
	not "notify_sender_on_onward" in taken
	"no_onward" in data.exchange.decision.obligations
		with input as json.remove(question, ["agreement/onward"])
}

test_onward_is_not_agreed if {
	"no_onward" in data.exchange.decision.obligations
		with input as but({"agreement": {"onward": {"allowed": false, "recipients": ["org:c"]}}})
}

test_a_word_agrees_to_nothing if {
	"no_onward" in data.exchange.decision.obligations
		with input as but({"agreement": {"onward": {"allowed": "true", "recipients": ["org:c"]}}})
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

test_a_notice_that_does_not_name_the_recipient if {
	every notice in [{}, {"recipients_listed": []}, {"recipients_listed": ["org:a"]}] {
		taken := data.exchange.obligations
			with input as but(object.union(consented_nearby, {"agreement": {"notice": notice}}))
		{"inform_people", "notice.recipient_missing"} - taken == set()
	}
}

test_a_notice_that_names_the_recipient if {
	notice := {"recipients_listed": ["org:b"]}
	taken := data.exchange.obligations
		with input as but(object.union(consented_nearby, {"agreement": {"notice": notice}}))
	{"inform_people", "notice.recipient_missing"} & taken == set()
}

test_a_certificate_of_deletion if {
	"deletion_certificate" in data.exchange.obligations
		with input as but({"agreement": {"deletion_certificate_required": true}})
	not "deletion_certificate" in data.exchange.obligations
		with input as but({"agreement": {"deletion_certificate_required": false}})
}

test_what_is_given_back if {
	stored := {"record_type": "person", "days": 30, "at_end": "return"}
	"return_at_end" in data.exchange.obligations with input as but({"agreement": {"retention": [stored]}})
	deleted := object.union(stored, {"at_end": "delete"})
	not "return_at_end" in data.exchange.obligations with input as but({"agreement": {"retention": [deleted]}})
	of_cases := object.union(stored, {"record_type": "case"})
	not "return_at_end" in data.exchange.obligations with input as but({"agreement": {"retention": [of_cases]}})
}

test_incidents_are_told if {
	"notify_incident_within_hours:24" in data.exchange.obligations
		with input as but({"agreement": {"incidents": {"notify_within_hours": 24}}})
}

consented_nearby := {
	"request": {"legal_basis": "lb.consent"},
	"recipient": {"regimes": [{"kind": "state", "id": "KE"}]},
}
