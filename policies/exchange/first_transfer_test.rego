package exchange_test

test_the_first_transfer_waits if waiting(data.exchange.needed) == first_waits with input as new_partner({})

test_a_later_transfer_does_not_wait if {
	data.exchange.needed == set() with input as new_partner({"context": {"prior": {"transfers": "some"}}})
}

test_nothing_said_of_earlier_transfers if {
	waiting(data.exchange.needed) == first_waits with input as json.remove(new_partner({}), ["context/prior/transfers"])
}

test_two_approved_the_agreement if {
	data.exchange.needed == set() with input as new_partner({"agreement": {"approved_by": ["dpo", "legal"]}})
}

test_one_approved_the_agreement if {
	every roles in [["dpo"], ["dpo", "dpo"], ["dpo", "visitor"], ["legal", "programme"], []] {
		waits := data.exchange.needed with input as new_partner({"agreement": {"approved_by": roles}})
		waiting(waits) == first_waits
	}
}

test_no_approvals_stated if {
	waiting(data.exchange.needed) == first_waits with input as json.remove(new_partner({}), ["agreement/approved_by"])
}

test_a_deployment_without_signatures_knows_no_first_transfer if {
	data.exchange.needed == set() with input as new_partner({"context": {"unsigned": "allow"}})
}

first_waits := {"human.two:first_transfer"}

new_partner(change) := object.union(
	but({
		"context": {"unsigned": "refuse", "prior": {"transfers": "none"}},
		"agreement": {"approved_by": []},
	}),
	change,
)
