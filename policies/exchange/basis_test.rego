package exchange_test

test_unknown_basis if {
	"basis.unknown" in data.exchange.objections
		with input as but({"request": {"legal_basis": "lb.none"}})
}

test_not_granted_for_the_purpose if {
	grant := object.union(question.agreement.purposes[0], {"legal_basis": "lb.vital"})
	data.exchange.objections == {"basis.not_granted"} with input as but({"agreement": {"purposes": [grant]}})
}

test_not_held if {
	data.exchange.objections == {"basis.not_granted"}
		with input as but({"agreement": {"legal_bases": []}})
}

test_evidence_missing if {
	data.exchange.objections == {"basis.evidence_missing"}
		with input as but({"agreement": holding({"evidence": ["necessity"]})})
}

test_no_evidence if {
	data.exchange.objections == {"basis.evidence_missing"}
		with input as but({"agreement": {"legal_bases": [{"basis": "lb.public", "valid_until": soon}]}})
}

test_every_basis_demands_each_of_its_evidence if {
	every id, rules in data.taxonomy.bases {
		every missing in rules.evidence {
			rest := [name | some name in rules.evidence; name != missing]
			raised := data.exchange.objections with input as resting_on(id, rest)
			"basis.evidence_missing" in raised
		}
	}
}

test_every_basis_holds_with_all_its_evidence if {
	every id, rules in data.taxonomy.bases {
		raised := data.exchange.objections with input as resting_on(id, rules.evidence)
		raised & {"basis.unknown", "basis.not_granted", "basis.evidence_missing", "basis.expired"} == set()
	}
}

test_ends_now_with_its_evidence if {
	data.exchange.objections == {"basis.expired"}
		with input as but({"agreement": holding({"valid_until": now})})
}

test_ends_soon_with_its_evidence if {
	data.exchange.objections == set()
		with input as but({"agreement": holding({"valid_until": soon})})
}

test_no_end_of_evidence if {
	held := {"basis": "lb.public", "evidence": ["mandate_ref", "necessity"]}
	data.exchange.objections == {"basis.expired"} with input as but({"agreement": {"legal_bases": [held]}})
}

test_evidence_of_one_does_not_prolong_another if {
	bases := [
		{"basis": "lb.public", "evidence": ["mandate_ref", "necessity"], "valid_until": now},
		{"basis": "lb.public", "evidence": [], "valid_until": soon},
	]
	data.exchange.objections == {"basis.expired"} with input as but({"agreement": {"legal_bases": bases}})
}

test_twelve_months if {
	data.exchange.objections == set()
		with input as but({"agreement": holding({"valid_until": "2027-11-22T08:00:00Z"})})
	data.exchange.objections == {"basis.too_long"}
		with input as but({"agreement": holding({"valid_until": "2027-11-22T08:00:01Z"})})
}

test_three_months_of_vital_interest if {
	raised := data.exchange.objections
		with input as vital_until("2027-02-22T08:00:00Z")
	raised == set()
	late := data.exchange.objections
		with input as vital_until("2027-02-22T08:00:01Z")
	late == {"basis.too_long"}
}

test_what_ends_by_itself_has_no_months if {
	raised := data.exchange.objections with input as resting_on("lb.legal", data.taxonomy.bases["lb.legal"].evidence)
	not "basis.too_long" in raised
}

vital_until(instant) := but({
	"request": {"legal_basis": "lb.vital"},
	"agreement": {
		"purposes": [object.union(question.agreement.purposes[0], {"legal_basis": "lb.vital"})],
		"legal_bases": [{
			"basis": "lb.vital",
			"evidence": data.taxonomy.bases["lb.vital"].evidence,
			"valid_until": instant,
		}],
	},
})

resting_on(id, evidence) := but({
	"request": {"legal_basis": id},
	"agreement": {
		"purposes": [object.union(question.agreement.purposes[0], {"legal_basis": id})],
		"legal_bases": [{"basis": id, "evidence": evidence, "valid_until": "2029-01-01T00:00:00Z"}],
	},
})

holding(change) := {"legal_bases": [object.union(question.agreement.legal_bases[0], change)]}

test_another_basis_held if {
	data.exchange.objections == {"basis.not_granted"}
		with input as but({"agreement": holding({"basis": "lb.consent"})})
}
