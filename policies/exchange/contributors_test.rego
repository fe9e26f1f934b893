package exchange_test

test_all_contributors_gave_their_word if {
	given := [word("org:a", soon), word("org:b", soon)]
	data.exchange.objections == set() with input as consolidating({"release_given": given})
}

test_one_contributor_is_missing if {
	data.exchange.objections == {"release.needs_all"}
		with input as consolidating({"release_given": [word("org:a", soon)]})
}

test_the_word_of_a_contributor_ends_now if {
	given := [word("org:a", soon), word("org:b", now)]
	data.exchange.objections == {"release.needs_all"} with input as consolidating({"release_given": given})
}

test_no_word_of_anybody if data.exchange.objections == {"release.needs_all"} with input as consolidating({})

test_those_who_act_for_others_are_not_asked if {
	given := [word("org:a", soon), word("org:b", soon)]
	every role in ["observer", "processor", "sub_processor"] {
		parties := array.concat(question.agreement.parties, [{"party": "org:c", "role": role}])
		data.exchange.objections == set()
			with input as but({
				"context": {"unsigned": "allow"},
				"agreement": {"kind": "consolidation", "parties": parties, "release_given": given},
			})
	}
}

test_a_role_nobody_knows_is_asked if {
	parties := array.concat(question.agreement.parties, [{"party": "org:c", "role": "friend"}])
	given := [word("org:a", soon), word("org:b", soon)]
	"release.needs_all" in data.exchange.objections
		with input as consolidating({"parties": parties, "release_given": given})
}

test_an_agreement_may_ask_all_contributors if {
	asking_all := {"release_requires": {"all_contributors": true}}
	data.exchange.objections == {"release.needs_all"} with input as but({"agreement": asking_all})
	given := [word("org:a", soon), word("org:b", soon)]
	data.exchange.objections == set()
		with input as but({"agreement": object.union(asking_all, {"release_given": given})})
}

test_an_agreement_may_ask_no_contributors if {
	data.exchange.objections == set()
		with input as but({"agreement": {"release_requires": {"all_contributors": false}}})
}

test_an_agreement_without_contributors_releases_nothing if {
	parties := [{"party": "org:a", "role": "processor"}, {"party": "org:b", "role": "processor"}]
	"release.needs_all" in data.exchange.objections with input as consolidating({"parties": parties})
}

consolidating(change) := but({"agreement": object.union({"kind": "consolidation"}, change)})

word(party, until) := {"party": party, "valid_until": until}
