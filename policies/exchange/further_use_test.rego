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

test_tracing_to_violations if {
	waiting(data.exchange.needed) == {
		"human.two:further_use.hum.rfl.tracing.hum.protect.violations",
	} with input as collected("hum.rfl.tracing", "hum.protect.violations")
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
