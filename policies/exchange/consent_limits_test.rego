package exchange_test

test_a_purpose_the_consent_names if {
	every stated in [
		["hum.assist.registration"],
		["hum.assist"],
		["hum.health", "hum.assist.registration"],
	] {
		ids(data.exchange.class_objections) == set() with input as about({"consent_purposes": stated}, {})
	}
}

test_a_purpose_the_consent_does_not_name if {
	every stated in [[], ["hum.health"], ["hum.assist.registration.x"], ["hum"], ["hum.assist.r"], ["hum.assis"]] {
		every said in ["lb.public", "lb.consent", "lb.vital"] {
			ids(data.exchange.class_objections) == {"consent.purpose_not_covered"} with input as about(
				{"consent_purposes": stated, "consent_status": "given"},
				{"request": {"legal_basis": said}},
			)
		}
	}
}

test_an_unknown_purpose_is_covered_by_nothing if {
	"consent.purpose_not_covered" in ids(data.exchange.class_objections)
		with input as about({"consent_purposes": ["hum.odd"]}, {"request": {"purpose": "hum.odd"}})
}

test_a_recipient_the_consent_names if {
	every stated in [["org:b"], ["io"], ["ngo", "io"]] {
		ids(data.exchange.class_objections) == set() with input as about({"consent_recipients": stated}, {})
	}
	every stated in [["gov"], ["gov.health"]] {
		ids(data.exchange.class_objections) == set()
			with input as about({"consent_recipients": stated}, {"recipient": {"kind": "gov.health"}})
	}
}

test_a_recipient_the_consent_does_not_name if {
	every stated in [[], ["org:c"], ["ngo", "gov"], ["i"], ["io.health"]] {
		ids(data.exchange.class_objections) == {"consent.recipient_not_covered"}
			with input as about({"consent_recipients": stated}, {})
	}
	every stated in [["gov.registry"], ["health"], ["org:a"], [""]] {
		ids(data.exchange.class_objections) == {"consent.recipient_not_covered"}
			with input as about({"consent_recipients": stated}, {"recipient": {"kind": "gov.health"}})
	}
}

test_an_unknown_recipient_is_covered_by_nothing if {
	"consent.recipient_not_covered" in ids(data.exchange.class_objections)
		with input as object.union(about({"consent_recipients": ["org:b", "io", ""]}, {}), {"recipient": null})
}

test_a_consent_without_limits_limits_nothing if {
	ids(data.exchange.class_objections) == set() with input as about({"consent_status": "given"}, {})
}

test_a_child_does_not_consent_alone if {
	ids(data.exchange.class_objections) == {"consent.guardian_missing"} with input as child_consent("self")
	every who in ["guardian", "assent_guardian"] {
		ids(data.exchange.class_objections) == set() with input as child_consent(who)
	}
}

test_an_adult_consents_alone if {
	ids(data.exchange.class_objections) == set()
		with input as object.union(child_consent("self"), {"classes": [object.union(
			person,
			{"facts": {"age_class": "adult", "consent_by": "self"}},
		)]})
}

test_another_basis_needs_no_guardian if {
	facts := {"age_class": "child", "consent_by": "self", "consent_status": "given"}
	ids(data.exchange.class_objections) == set() with input as about(facts, {})
}

child_consent(who) := about(
	{"age_class": "child", "consent_by": who, "consent_status": "given"},
	{"request": {"legal_basis": "lb.consent"}},
)
