package exchange_test

test_the_sample_is_readable if data.exchange.well_formed with input as question

test_nothing_unknown_is_needed if {
	data.exchange.well_formed
		with input as but({"agreement": null, "sender": null, "recipient": null, "classes": []})
}

test_absent_parts_are_readable if {
	stripped := json.remove(question, ["agreement", "sender", "recipient", "classes", "context/decisions"])
	data.exchange.well_formed with input as stripped
}

test_unreadable if {
	every change in unreadable {
		not data.exchange.well_formed with input as but(change)
	}
}

unreadable := {
	"moment": {"context": {"now": "2026-11-22 08:00:00"}},
	"moment of another type": {"context": {"now": 5}},
	"moment with a line": {"context": {"now": "2026-11-22T08:00:00Z\n"}},
	"purpose": {"request": {"purpose": 1}},
	"basis": {"request": {"legal_basis": ["lb.public"]}},
	"request": {"request": "all"},
	"sender": {"sender": "org:a"},
	"recipient kind": {"recipient": {"kind": 7}},
	"recipient purposes": {"recipient": {"purposes": [1]}},
	"regimes": {"recipient": {"regimes": "KE"}},
	"regime without kind": {"recipient": {"regimes": [{"id": "KE"}]}},
	"agreement": {"agreement": "agr:x"},
	"start": {"agreement": {"scope": {"start": "2026"}}},
	"end": {"agreement": {"scope": {"end": 2027}}},
	"scope": {"agreement": {"scope": []}},
	"parties": {"agreement": {"parties": {}}},
	"grants": {"agreement": {"purposes": "all"}},
	"bases": {"agreement": {"legal_bases": 1}},
	"basis end": {"agreement": {"legal_bases": [{"basis": "lb.public", "valid_until": "never"}]}},
	"evidence": {"agreement": {"legal_bases": [{"basis": "lb.public", "evidence": "all"}]}},
	"data": {"agreement": {"data": null}},
	"one type twice": {"agreement": {"data": [{"record_type": "person"}, {"record_type": "person"}]}},
	"fields": {"agreement": {"data": [{"record_type": "person", "fields": [1]}]}},
	"forms": {"agreement": {"data": [{"record_type": "person", "forms": []}]}},
	"retention": {"agreement": {"retention": 365}},
	"instruments": {"agreement": {"safeguards": {"transfer_instruments": "own_clauses"}}},
	"safeguards": {"agreement": {"safeguards": 1}},
	"decisions": {"context": {"decisions": "all"}},
	"unsigned": {"context": {"unsigned": true}},
	"prior": {"context": {"prior": "none"}},
	"prior transfers": {"context": {"prior": {"transfers": 0}}},
	"derogations": {"context": {"prior": {"derogations": "2"}}},
	"volume": {"context": {"above_volume": "person"}},
	"volumes": {"context": {"above_volume": [1]}},
	"classified": {"context": {"sensitivity": ["high"]}},
	"level": {"context": {"sensitivity": {"person": 3}}},
	"measures": {"context": {"risk": ["person"]}},
	"a measure": {"context": {"risk": {"person": 3}}},
	"a measure missing": {"context": {"risk": {"person": {"k": 5, "l": 2}}}},
	"k": {"context": {"risk": {"person": {"k": "5", "l": 2, "risk_permille": 1}}}},
	"l": {"context": {"risk": {"person": {"k": 5, "l": null, "risk_permille": 1}}}},
	"risk": {"context": {"risk": {"person": {"k": 5, "l": 2, "risk_permille": true}}}},
	"another measure": {"context": {"risk": {"person": {"k": 5, "l": 2, "risk_permille": 1, "t": 1}}}},
	"status": {"sender": {"status": true}},
	"signed": {"agreement": {"signed_by": "org:a"}},
	"signatures": {"agreement": {"signed_by": [{"party": "org:a"}]}},
	"approved": {"agreement": {"approved_by": "dpo"}},
	"publication": {"agreement": {"publication": true}},
	"thresholds": {"agreement": {"publication": {"thresholds": [10]}}},
	"threshold": {"agreement": {"publication": {"thresholds": {"k": "10"}}}},
	"decision end": {"context": {"decisions": [{"decision": "d", "valid_until": 1}]}},
	"decision roles": {"context": {"decisions": [{"decision": "d", "valid_until": now, "by": "dpo"}]}},
	"agreement decisions": {"agreement": {"decisions": 1}},
	"records": {"records": "many"},
	"classes": {"classes": {"person": 1}},
	"record type": {"classes": [{"record_type": 1, "fields": [], "facts": {}}]},
	"class fields": {"classes": [{"record_type": "person", "fields": [null], "facts": {}}]},
	"facts": {"classes": [{"record_type": "person", "fields": [], "facts": null}]},
}

test_no_object_is_unreadable if not data.exchange.well_formed with input as []
