package exchange

# METADATA
# scope: rule
# title: Biometrics
# description: |
#   Biometrics, where the agreement names them among the categories of its data, leave only to
#   identify a person, for the purpose they were taken for, and never in bulk.
# related_resources:
#   - ref: https://www.icrc.org/en/data-protection-humanitarian-action-handbook
#     description: ICRC Handbook 3rd ed., 8.2.3, 8.2.4
# custom:
#   rules:
#     - red.bio_reuse
objections contains "red.bio_reuse" if {
	count(biometric_types) > 0
	not asked in data.taxonomy.biometric_purposes
}

objections contains "red.bio_reuse" if {
	count(biometric_types) > 0
	input.records == data.taxonomy.bulk
}

objections contains "red.bio_reuse" if {
	some class in input.classes
	class.record_type in biometric_types
	object.get(class.facts, "origin_purpose", asked) != asked
}

biometric_types contains record_type if {
	some record_type in asked_types
	some category in granted[record_type].categories
	some mark in data.taxonomy.biometric_marks
	contains(category, mark)
}
