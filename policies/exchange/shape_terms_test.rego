package exchange_test

test_terms_not_stated_are_readable if {
	stripped := json.remove(question, [
		"context/unsigned", "context/prior", "context/above_volume",
		"agreement/signed_by", "agreement/approved_by", "sender/status", "recipient/status",
	])
	data.exchange.well_formed with input as stripped
}

test_terms_stated_in_full_are_readable if {
	data.exchange.well_formed
		with input as but({"context": {"decisions": [in_full]}, "agreement": {
			"decisions": [in_full],
			"incidents": {"notify_within_hours": 24},
			"notice": {"recipients_listed": ["org:b"], "purposes_listed": []},
			"onward": {"allowed": true, "recipients": ["org:c"]},
			"release_given": [word("org:a", soon)],
			"release_requires": {"all_contributors": true},
			"deletion_certificate_required": true,
			"safeguards": {"dpia": assessed("low", soon), "dpia_ref": "d", "immunity": {"status": true}},
			"scope": {"origin_countries": ["SY"]},
			"data": [{
				"record_type": "person",
				"fields": [],
				"categories": ["pd:Name"],
				"frequency": "daily",
				"volume_limit": 5,
			}],
		}})
}

test_terms_unreadable if {
	every change in unreadable_terms {
		answer := data.exchange.decision with input as but(change)
		[objection.rule | some objection in answer.objections] == ["question.malformed"]
	}
}

in_full := {
	"decision": "human:this",
	"by": ["dpo"],
	"valid_until": soon,
	"at": now,
	"officers": ["officer:1"],
	"requested_by": "officer:2",
}

unreadable_terms := {
	"prior": {"context": {"prior": "some"}},
	"unsigned": {"context": {"unsigned": true}},
	"above volume": {"context": {"above_volume": "person"}},
	"above volume of numbers": {"context": {"above_volume": [1]}},
	"decision": {"context": {"decisions": ["human:this"]}},
	"moment of a decision": {"context": {"decisions": [object.union(in_full, {"at": "2026"})]}},
	"officers": {"context": {"decisions": [object.union(in_full, {"officers": "officer:1"})]}},
	"officers of numbers": {"agreement": {"decisions": [object.union(in_full, {"officers": [1]})]}},
	"who asked": {"agreement": {"decisions": [object.union(in_full, {"requested_by": ["officer:1"]})]}},
	"incidents": {"agreement": {"incidents": 24}},
	"hours": {"agreement": {"incidents": {"notify_within_hours": "24"}}},
	"notice": {"agreement": {"notice": "leaflet"}},
	"recipients of the notice": {"agreement": {"notice": {"recipients_listed": "org:b"}}},
	"purposes of the notice": {"agreement": {"notice": {"purposes_listed": {"hum": true}}}},
	"onward": {"agreement": {"onward": true}},
	"onward recipients": {"agreement": {"onward": {"allowed": true, "recipients": "all"}}},
	"party": {"agreement": {"parties": ["org:a", "org:b"]}},
	"regimes of a party": {"agreement": {"parties": [{"party": "org:a", "regimes": "KE"}]}},
	"regime of a party": {"agreement": {"parties": [{"party": "org:a", "regimes": [{"id": "KE"}]}]}},
	"release": {"agreement": {"release_requires": []}},
	"all contributors": {"agreement": {"release_requires": {"all_contributors": "yes"}}},
	"release given": {"agreement": {"release_given": {"org:a": soon}}},
	"end of a release": {"agreement": {"release_given": [word("org:a", "2027")]}},
	"signatures": {"agreement": {"signed_by": "org:a"}},
	"signatures in full": {"agreement": {"signed_by": [{"party": "org:a"}]}},
	"approvals": {"agreement": {"approved_by": [1]}},
	"countries of origin": {"agreement": {"scope": {"origin_countries": "SY"}}},
	"categories": {"agreement": {"data": [{"record_type": "person", "categories": "pd:Name"}]}},
	"frequency": {"agreement": {"data": [{"record_type": "person", "frequency": ["daily"]}]}},
	"volume": {"agreement": {"data": [{"record_type": "person", "volume_limit": "5"}]}},
	"half a volume": {"agreement": {"data": [{"record_type": "person", "volume_limit": 1 / 2}]}},
	"certificate": {"agreement": {"deletion_certificate_required": "yes"}},
	"safeguards": {"agreement": {"safeguards": []}},
	"assessment": {"agreement": {"safeguards": {"dpia": "d:1"}}},
	"outcome": {"agreement": {"safeguards": {"dpia": {"outcome": 1}}}},
	"review": {"agreement": {"safeguards": {"dpia": {"next_review": "soon"}}}},
	"name of the assessment": {"agreement": {"safeguards": {"dpia_ref": 7}}},
	"instrument": {"agreement": {"safeguards": {"transfer_instruments": ["own_clauses"]}}},
	"kind of instrument": {"agreement": {"safeguards": {"transfer_instruments": [{"type": 1, "to": []}]}}},
	"reach of an instrument": {"agreement": {"safeguards": {"transfer_instruments": [{"type": "bcr", "to": "KE"}]}}},
	"immunity": {"agreement": {"safeguards": {"immunity": true}}},
}
