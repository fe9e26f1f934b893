package exchange_test

test_biometrics_to_register if data.exchange.objections == set() with input as but(with_biometrics)

test_biometrics_for_anything_else if {
	change := object.union(with_biometrics, {"request": {"purpose": "hum.assist.feedback"}})
	"red.bio_reuse" in data.exchange.objections with input as but(change)
}

test_biometrics_in_bulk if {
	"red.bio_reuse" in data.exchange.objections
		with input as but(object.union(with_biometrics, {"records": "1000+"}))
}

test_biometrics_taken_for_another_purpose if {
	taken := object.union(person, {"facts": {"origin_purpose": "hum.assist.verify"}})
	"red.bio_reuse" in data.exchange.objections
		with input as but(object.union(with_biometrics, {"classes": [taken]}))
	same := object.union(person, {"facts": {"origin_purpose": "hum.assist.registration"}})
	data.exchange.objections == set() with input as but(object.union(with_biometrics, {"classes": [same]}))
}

test_biometrics_by_any_of_their_names if {
	every name in ["biometric", "Biometric templates", "https://w3id.org/dpv/pd#FacialPrint", "pd:Fingerprint"] {
		types := data.exchange.biometric_types with input as but(categories([name]))
		types == {"person"}
	}
}

test_other_categories_are_no_biometrics if {
	change := object.union(categories(["pd:Name"]), {"request": {"purpose": "hum.assist.feedback"}})
	not "red.bio_reuse" in data.exchange.objections with input as but(change)
}

test_biometrics_that_are_not_asked_for if {
	change := object.union(with_biometrics, {
		"request": {"purpose": "hum.assist.feedback"},
		"classes": [household],
	})
	not "red.bio_reuse" in data.exchange.objections with input as but(change)
}

with_biometrics := object.union(categories(["pd:Biometric"]), {"agreement": {"safeguards": {"dpia_ref": "d:1"}}})

categories(names) := {"agreement": {"data": [
	object.union(question.agreement.data[0], {"categories": names}),
	question.agreement.data[1],
]}}

test_other_records_taken_for_another_purpose if {
	other := object.union(household, {"facts": {"origin_purpose": "hum.assist.verify"}})
	change := object.union(with_biometrics, {"classes": [person, other]})
	not "red.bio_reuse" in data.exchange.objections with input as but(change)
}
