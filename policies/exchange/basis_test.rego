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

holding(change) := {"legal_bases": [object.union(question.agreement.legal_bases[0], change)]}
