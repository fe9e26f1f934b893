package exchange_test

test_the_same_purpose if {
	asked := collected("hum.assist.registration", "hum.assist.registration")
	data.exchange.class_objections == set() with input as asked
	data.exchange.needed == set() with input as asked
}

test_a_sibling_purpose if {
	waiting(data.exchange.needed) == {
		"human.dpo:further_use.hum.assist.verify.hum.assist.registration",
	} with input as collected("hum.assist.verify", "hum.assist.registration")
}

test_service_planning if {
	waiting(data.exchange.needed) == {
		"human.dpo:further_use.hum.assist.registration.hum.service.food",
	} with input as collected("hum.assist.registration", "hum.service.food")
}

test_use_for_figures if {
	asked := collected("hum.assist.registration", "hum.coord.needs")
	data.exchange.class_objections == set() with input as asked
	data.exchange.needed == set() with input as asked
}

test_a_sibling_purpose_people_were_told_of if {
	asked := object.union(
		collected("hum.assist.verify", "hum.assist.registration"),
		{"agreement": {"notice": {"purposes_listed": ["hum.assist.registration"]}}},
	)
	data.exchange.needed == set() with input as asked
	data.exchange.class_objections == set() with input as asked
}

test_a_sibling_purpose_people_were_not_told_of if {
	every listed in [[], ["hum.assist"], ["hum.assist.verify"]] {
		waits := data.exchange.needed
			with input as object.union(
				collected("hum.assist.verify", "hum.assist.registration"),
				{"agreement": {"notice": {"purposes_listed": listed}}},
			)
		waiting(waits) == {"human.dpo:further_use.hum.assist.verify.hum.assist.registration"}
	}
}

test_a_notice_opens_no_other_purpose if {
	asked := object.union(
		collected("hum.assist.registration", "hum.service.food"),
		{"agreement": {"notice": {"purposes_listed": ["hum.service.food"]}}},
	)
	waiting(data.exchange.needed) == {
		"human.dpo:further_use.hum.assist.registration.hum.service.food",
	} with input as asked
}

test_service_planning_may_be_decided_beforehand if {
	waits := "human.dpo:further_use.hum.assist.registration.hum.service.food"
	made := [{"decision": waits, "by": ["dpo"], "valid_until": soon}]
	asked := object.union(
		collected("hum.assist.registration", "hum.service.food"),
		{"agreement": {"decisions": made}},
	)
	waiting(data.exchange.pending) == set() with input as asked
}

test_an_archive_of_anything_waits if {
	every origin in ["hum.assist.registration", "hum.rfl.tracing", "hum.protect.case"] {
		waits := data.exchange.needed with input as collected(origin, "hum.archive")
		waiting(waits) == {
			"human.dpo:archive",
			sprintf("human.dpo:further_use.%s.hum.archive", [origin]),
		}
	}
}

test_tracing_to_violations_on_a_new_basis if {
	waiting(data.exchange.needed) == {
		"human.two:further_use.hum.rfl.tracing.hum.protect.violations",
	} with input as violations([])
}

test_tracing_to_violations_on_the_same_basis if {
	tracing := {"purpose": "hum.rfl", "from": "org:b", "to": "org:a", "legal_basis": "lb.public"}
	ids(data.exchange.class_objections) == {"purpose.incompatible"} with input as violations([tracing])
	data.exchange.needed == set() with input as violations([tracing])
	other := object.union(tracing, {"legal_basis": "lb.consent"})
	data.exchange.class_objections == set() with input as violations([other])
}

test_tracing_to_violations_without_a_grant_of_their_own if {
	asked := collected("hum.rfl.tracing", "hum.protect.violations")
	every change in [
		{},
		{"agreement": {"purposes": [violating({"purpose": "hum.protect"})]}},
		{"agreement": {"purposes": [violating({"legal_basis": "lb.consent"})]}},
		{"agreement": {"purposes": [violating({"from": "org:b"})]}},
		{"agreement": {"purposes": [violating({"to": "org:a"})]}},
	] {
		objected := data.exchange.class_objections with input as object.union(asked, change)
		ids(objected) == {"purpose.incompatible"}
	}
}

test_a_secret_case if {
	asked := collected("hum.protect.gbv", "hum.assist.registration")
	ids(data.exchange.class_objections) == {"purpose.incompatible"} with input as asked
	data.exchange.needed == set() with input as asked
}

test_a_secret_case_with_consent if {
	facts := {"origin_purpose": "hum.protect.gbv", "consent_status": "given"}
	data.exchange.class_objections == set() with input as about(facts, asking("hum.protect.referral"))
}

test_a_secret_case_without_consent if {
	asked := collected("hum.protect.child", "hum.protect.referral")
	ids(data.exchange.class_objections) == {"purpose.incompatible"} with input as asked
}

test_health_elsewhere if {
	asked := collected("hum.health.care", "hum.assist.registration")
	ids(data.exchange.class_objections) == {"purpose.incompatible"} with input as asked
}

test_health_to_tracing if {
	waiting(data.exchange.needed) == {
		"human.two:further_use.hum.health.care.hum.rfl.tracing",
	} with input as collected("hum.health.care", "hum.rfl.tracing")
}

test_an_unknown_origin if {
	asked := collected("hum.none", "hum.assist.registration")
	ids(data.exchange.class_objections) == {"purpose.incompatible", "data.fact_unknown"} with input as asked
}

test_every_group_has_a_row if {
	every leaf in data.taxonomy.purposes {
		row_of(leaf)
	}
}

row_of(leaf) if not leaf.leaf

row_of(leaf) if data.taxonomy.further_use[leaf.group]["*"]

asking(id) := {"request": {"purpose": id}}

collected(origin, id) := about({"origin_purpose": origin}, asking(id))

violations(more) := object.union(
	collected("hum.rfl.tracing", "hum.protect.violations"),
	{"agreement": {"purposes": array.concat([violating({})], more)}},
)

violating(change) := object.union_n([
	question.agreement.purposes[0],
	{"purpose": "hum.protect.violations"},
	change,
])
