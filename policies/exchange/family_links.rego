package exchange

# METADATA
# scope: rule
# title: Family links
# description: |
#   Who searches for a missing person is told only between organisations of family links. Where a
#   found person is leaves only with that person's own consent.
# related_resources:
#   - ref: https://www.icrc.org/en/data-protection-humanitarian-action-handbook
#     description: ICRC Handbook 3rd ed., 2.6, 4.4.1
family_codes[i] := {pair[1]: "drop:purpose" |
	some pair in link_fields
	pair[0] == i
	code := codes[class.record_type][pair[1]]
	not contains(code, ":")
} if {
	some i, class in input.classes
	data.taxonomy.family_links[class.record_type]
}

link_fields contains [i, field] if {
	not family_linked
	some i, class in input.classes
	some field in data.taxonomy.family_links[class.record_type].enquirer
}

link_fields contains [i, field] if {
	some i, class in input.classes
	some field in data.taxonomy.family_links[class.record_type].whereabouts
	not i in consented
}

family_linked if {
	sender.kind in data.taxonomy.family_link_kinds
	recipient.kind in data.taxonomy.family_link_kinds
}

family_linked if {
	some held in agreement.safeguards.transfer_instruments
	held.type in data.taxonomy.family_link_instruments
	every regime in recipient.regimes {
		regime.id in held.to
	}
}
