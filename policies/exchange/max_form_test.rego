package exchange_test

test_a_form_of_records_that_is_no_text_is_malformed if {
	every said in [[], {}, 1, null] {
		item := object.union(question.agreement.data[0], {"max_form": said})
		asked := but({"agreement": {"data": [item]}})
		[one.rule | some one in data.exchange.decision.objections] == ["question.malformed"] with input as asked
	}
}
