package exchange

# METADATA
# scope: rule
# title: People who could be recognised
# description: |
#   The record types about people that would leave identified, and those that would leave identified
#   or under a pseudonym.
# related_resources:
#   - ref: https://www.icrc.org/en/data-protection-humanitarian-action-handbook
#     description: ICRC Handbook 3rd ed., 2.3
identified_types contains record_type if {
	some record_type, "id" in ceiling_of
	record_type in data.taxonomy.people_types
}

identifiable_types contains record_type if {
	some record_type, form in ceiling_of
	form in {"id", "ps"}
	record_type in data.taxonomy.people_types
}
