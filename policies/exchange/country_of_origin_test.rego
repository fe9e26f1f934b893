package exchange_test

test_an_authority_of_the_country_people_fled_from if {
	every kind in data.taxonomy.authority_kinds {
		raised := data.exchange.objections with input as to_origin(kind, ["SY"])
		"red.country_of_origin" in raised
	}
	every kind in ["gov", "gov.health", "gov.social", "gov.registry", "gov.lawenf", "gov.migration", "military", "intel"] {
		kind in data.taxonomy.authority_kinds
	}
}

test_an_authority_of_another_country if data.exchange.objections == set() with input as to_origin("gov", ["TR"])

test_one_of_the_countries_people_fled_from if {
	"red.country_of_origin" in data.exchange.objections with input as to_origin("gov", ["TR", "SY"])
}

test_an_organisation_of_the_country_people_fled_from if {
	data.exchange.objections == set() with input as to_origin("ngo", ["SY"])
}

to_origin(kind, states) := but({
	"recipient": {"kind": kind, "regimes": [{"kind": "state", "id": id} | some id in states]},
	"agreement": {
		"scope": {"origin_countries": ["ER", "SY"]},
		"safeguards": {"transfer_instruments": [{"type": "own_clauses", "ref": "a", "to": states}]},
	},
})
