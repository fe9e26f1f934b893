package exchange_test

test_a_red_purpose if {
	"red.migration" in data.exchange.objections
		with input as but({"request": {"purpose": "red.migration"}})
}

test_every_red_line_as_a_purpose_asked_for if {
	every line, _ in data.taxonomy.red_lines {
		raised := data.exchange.objections with input as but({"request": {"purpose": line}})
		line in raised
	}
	count(data.taxonomy.red_lines) == 15
}

test_every_red_line_as_a_purpose_of_the_recipient if {
	every line, _ in data.taxonomy.red_lines {
		purposes := ["hum.assist.registration", line]
		raised := data.exchange.objections with input as but({"recipient": {"purposes": purposes}})
		raised == {line}
	}
}

test_every_red_kind_of_recipient if {
	every kind, line in data.taxonomy.red_kinds {
		raised := data.exchange.objections with input as but({"recipient": {"kind": kind}})
		line in raised
	}
	object.keys(data.taxonomy.red_kinds) == {"gov.lawenf", "gov.migration", "military", "intel", "broker"}
}

test_no_decision_opens_any_red_line if {
	every line, _ in data.taxonomy.red_lines {
		made := [{"decision": line, "by": ["dpo", "head_of_office"], "valid_until": "2027-01-01T00:00:00Z"}]
		raised := data.exchange.objections
			with input as but({"recipient": {"purposes": [line]}, "context": {"decisions": made}})
		line in raised
	}
}

test_a_red_purpose_by_its_iri if {
	"red.political" in data.exchange.objections
		with input as but({"request": {"purpose": "https://w3id.org/dpv#PoliticalCampaign"}})
}

test_a_red_purpose_nobody_listed if {
	"red.unknown" in data.exchange.objections
		with input as but({"request": {"purpose": "red.new"}})
}

test_a_red_recipient if {
	data.exchange.objections == {"red.migration"}
		with input as but({"recipient": {"kind": "gov.migration"}})
}

test_a_military_recipient if {
	data.exchange.objections == {"red.natsec"}
		with input as but({"recipient": {"kind": "military"}})
}

test_a_recipient_with_a_red_purpose if {
	data.exchange.objections == {"red.credit"}
		with input as but({"recipient": {"purposes": ["hum.assist.registration", "red.credit"]}})
}

test_a_recipient_with_a_red_iri if {
	data.exchange.objections == {"red.marketing"}
		with input as but({"recipient": {"purposes": ["https://w3id.org/dpv#Marketing"]}})
}

test_a_recipient_with_a_red_purpose_nobody_listed if {
	data.exchange.objections == {"red.unknown"} with input as but({"recipient": {"purposes": ["red.new"]}})
}

test_a_donor_gets_no_identified_data if {
	data.exchange.objections == {"red.donor_crossref"}
		with input as but({"recipient": {"kind": "donor"}})
}

test_a_donor_gets_no_pseudonyms if {
	"red.donor_crossref" in data.exchange.objections
		with input as but({"recipient": {"kind": "donor"}, "request": {"purpose": "hum.account.audit"}})
}

test_a_donor_may_have_figures if {
	not "red.donor_crossref" in data.exchange.objections
		with input as but({"recipient": {"kind": "donor"}, "request": {"purpose": "hum.account.donor"}})
}

test_no_decision_opens_a_red_line if {
	made := [{"decision": "red.lawenf", "by": ["dpo", "head_of_office"], "valid_until": "2027-01-01T00:00:00Z"}]
	"red.lawenf" in data.exchange.objections
		with input as but({"recipient": {"kind": "gov.lawenf"}, "context": {"decisions": made}})
}
