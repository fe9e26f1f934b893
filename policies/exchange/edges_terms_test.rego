package exchange_test

# More of what `corridor policy mutate` showed that no other test would notice.
test_who_decides_about_exceptions_at_a_border if {
	exception := bare(between(["KE"], ["US"]))
	waits := data.exchange.needed with input as but(object.union(exception, vital))
	{"decision": "human.one:dest.vital", "who": "human:one"} in waits
	often := object.union(exception, {"context": {"prior": {"derogations": 2}}})
	public := data.exchange.needed with input as but(often)
	{"decision": "human.dpo:dest.public_interest", "who": "human:dpo"} in public
	{"decision": "human.dpo:standing_flow", "who": "human:dpo"} in public
}

test_who_decides_about_a_first_transfer if {
	waits := data.exchange.needed
		with input as but({"context": {"unsigned": "refuse", "prior": {"transfers": "none"}}})
	{"decision": "human.two:first_transfer", "who": "human:two"} in waits
}

test_who_decides_about_further_use if {
	asked := collected("hum.assist.verify", "hum.assist.registration")
	decision_id := "human.dpo:further_use.hum.assist.verify.hum.assist.registration"
	data.exchange.pending == [{"decision": decision_id, "who": "human:dpo"}] with input as asked
	data.exchange.class_objections == set() with input as asked
}

test_regimes_the_agreement_adds if {
	parties := [object.union(party, {"regimes": [{"kind": "state", "id": "US"}]}) |
		some party in question.agreement.parties
	]
	asked := but({"agreement": {"parties": parties}})
	us := {"kind": "state", "id": "US"}
	data.exchange.sender_regimes == {{"kind": "state", "id": "KE"}, us} with input as asked
	data.exchange.recipient_regimes == {{"kind": "io", "id": "io:b"}, us} with input as asked
}

test_of_two_instruments_one_is_named if {
	held := [{"type": type, "to": ["io:b"]} | some type in ["own_clauses", "io_rules"]]
	asked := but({"agreement": {"safeguards": {"transfer_instruments": held}}})
	data.exchange.border.instrument == "io_rules" with input as asked
}

test_no_instrument_where_nothing_crosses if {
	asked := but(object.union(between(["KE"], ["KE"]), {"agreement": instruments("own_clauses", ["KE"])}))
	data.exchange.border == {"crosses": false, "destination": "dest.same", "instrument": ""} with input as asked
}

test_an_organisation_is_not_adequate_by_its_name if {
	asked := but(object.union(between(["DE"], []), {"recipient": {"regimes": [{"kind": "io", "id": "FR"}]}}))
	not data.exchange.adequate with input as asked
	data.exchange.adequate with input as but(between(["DE"], ["FR"]))
}

test_many_records_to_an_adequate_destination if {
	asked := but(object.union(between(["DE"], ["FR"]), {"records": "1000+"}))
	not "transfer.vital_not_single_case" in data.exchange.objections with input as asked
}

test_above_a_volume_nobody_agreed_on if {
	"volume.exceeded" in data.exchange.objections with input as but({"context": {"above_volume": ["person"]}})
}

test_people_are_told_even_where_nothing_crosses if {
	"inform_people" in data.exchange.obligations with input as but(between(["KE"], ["KE"]))
}

test_an_unknown_party_is_unknown_and_nothing_else if {
	every side in ["sender", "recipient"] {
		raised := data.exchange.objections with input as but({side: null})
		raised & {"party.recipient_kind_missing", "party.suspended"} == set()
	}
}

test_a_recipient_without_a_kind if {
	bare_recipient := json.remove(question, ["recipient/kind"])
	"party.recipient_kind_missing" in data.exchange.objections with input as bare_recipient
	"party.recipient_kind_missing" in data.exchange.objections with input as but({"recipient": {"kind": ""}})
}

test_a_grant_to_another_sender if {
	grant := object.union(question.agreement.purposes[0], {"from": "org:c"})
	"purpose.not_granted" in data.exchange.objections with input as but({"agreement": {"purposes": [grant]}})
}

test_a_red_line_is_not_also_unknown if {
	raised := data.exchange.objections with input as but({"request": {"purpose": "red.sale"}})
	"red.sale" in raised
	not "red.unknown" in raised
}

test_the_shorter_of_two_periods if {
	periods := [{"record_type": "person", "days": days} | some days in [90, 30]]
	data.exchange.kept_for.person == 30 with input as but({"agreement": {"retention": periods}})
	none := [{"record_type": "person", "days": days} | some days in [90, 0]]
	not data.exchange.kept_for.person with input as but({"agreement": {"retention": none}})
}

test_no_agreement_is_not_an_unsigned_one if {
	missing := {"agreement": null, "context": {"unsigned": "refuse"}}
	not "agreement.unsigned" in data.exchange.objections with input as but(missing)
}

test_one_party_alone_signs_for_itself if {
	alone := {
		"context": {"unsigned": "refuse"},
		"agreement": {"parties": [{"party": "org:a", "role": "controller"}], "signed_by": ["org:a"]},
	}
	not "agreement.unsigned" in data.exchange.objections with input as but(alone)
}

test_a_decision_has_its_own_people if {
	made := [
		{"decision": "d1", "by": ["dpo", "legal"], "officers": ["officer:1"], "valid_until": soon},
		{"decision": "d2", "by": ["security"], "officers": ["officer:2"], "valid_until": soon},
	]
	asked := but({"context": {"decisions": made}})
	data.exchange.roles_of("d2") == {"security"} with input as asked
	data.exchange.one_officer_alone("d1") with input as asked
}

test_no_purpose_is_an_unknown_one if {
	without := json.remove(question, ["request/purpose"])
	data.exchange.asked == "" with input as without
	"purpose.unknown" in data.exchange.objections with input as without
}

test_one_turning_point_is_enough if {
	until := question.agreement.scope.end
	data.exchange.valid_until == until with input as but({"agreement": {"legal_bases": []}})
}

test_a_processor_elsewhere_makes_no_vendor if {
	parties := array.concat(question.agreement.parties, [{"party": "org:c", "role": "processor"}])
	change := {"recipient": {"purposes": ["hum.health.care"]}, "agreement": {"parties": parties}}
	not "red.vendor_reuse" in data.exchange.objections with input as but(change)
}

# 719,528 days lie between the first days of the years 0 and 1970.
test_the_days_since_the_year_0 if {
	data.exchange.seconds_at("1970-01-01T00:00:00Z") == 719528 * 86400
}
