package exchange_test

test_signed_by_both if data.exchange.objections == set() with input as strictly({})

test_signed_by_one if {
	data.exchange.objections == {"agreement.unsigned"}
		with input as strictly({"agreement": {"signed_by": ["org:a"]}})
}

test_signed_by_somebody_else if {
	data.exchange.objections == {"agreement.unsigned"}
		with input as strictly({"agreement": {"signed_by": ["org:a", "org:c"]}})
}

test_no_signatures_stated if {
	data.exchange.objections == {"agreement.unsigned"}
		with input as json.remove(strictly({}), ["agreement/signed_by"])
}

test_an_observer_need_not_sign if {
	parties := array.concat(question.agreement.parties, [{"party": "org:c", "role": "observer"}])
	data.exchange.objections == set() with input as strictly({"agreement": {"parties": parties}})
}

test_every_party_of_many_signs if {
	parties := array.concat(question.agreement.parties, [{"party": "org:c", "role": "processor"}])
	change := {"agreement": {"parties": parties, "kind": "multilateral"}}
	data.exchange.objections == {"agreement.unsigned"} with input as strictly(change)
}

test_an_agreement_that_binds_nobody_is_unsigned if {
	"agreement.unsigned" in data.exchange.objections with input as strictly({"agreement": {"parties": []}})
}

test_a_deployment_may_do_without_signatures if {
	unsigned := {"agreement": {"signed_by": []}, "context": {"unsigned": "allow"}}
	data.exchange.objections == set() with input as but(unsigned)
}

test_nothing_said_of_signatures_demands_them if {
	unsigned := json.remove(but({"agreement": {"signed_by": []}}), ["context/unsigned"])
	data.exchange.objections == {"agreement.unsigned"} with input as unsigned
}

strictly(change) := object.union(
	but({
		"context": {"unsigned": "refuse"},
		"agreement": {"signed_by": ["org:a", "org:b"], "approved_by": ["dpo", "programme"]},
	}),
	change,
)
