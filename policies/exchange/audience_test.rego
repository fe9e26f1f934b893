package exchange_test

test_a_partner_is_no_public if data.exchange.audience == "partner" with input as question

test_publication_goes_to_everybody if {
	data.exchange.audience == "public" with input as but({"recipient": {"kind": "public"}})
	data.exchange.audience == "public" with input as but({"request": {"purpose": "hum.stat.open"}})
}

test_publication_is_agreed if {
	not "public.not_agreed" in data.exchange.objections with input as published_figure
}

test_publication_is_not_agreed if {
	every said in [{}, {"allowed": false}, {"allowed": "true"}, {"thresholds": {"k": 10}}] {
		"public.not_agreed" in data.exchange.objections
			with input as object.union(not_agreed, {"agreement": {"publication": said}})
	}
	"public.not_agreed" in data.exchange.objections with input as not_agreed
}

test_a_partner_needs_no_publication if not "public.not_agreed" in data.exchange.objections with input as question

test_people_are_published_neither_identified_nor_under_a_pseudonym if {
	every form in ["id", "ps"] {
		ids(data.exchange.class_objections) == {"public.identified"}
			with input as about({}, object.union(item_with({"max_form": form}), {"recipient": {"kind": "public"}}))
	}
	ids(data.exchange.class_objections) == set()
		with input as about({}, object.union(item_with({"max_form": "rec"}), {"recipient": {"kind": "public"}}))
}

not_agreed := json.remove(published_figure, ["agreement/publication"])

published_figure := data.samples.published_figure.question
