package exchange

# METADATA
# scope: rule
# title: Special categories
# description: |
#   Nationality, ethnicity, religion, photographs and the whereabouts of a found person leave only
#   when the agreement lists the field, the purpose is one of a short list, and the data protection
#   officer decided so.
# related_resources:
#   - ref: https://www.icrc.org/en/data-protection-humanitarian-action-handbook
#     description: ICRC Handbook 3rd ed., 2.2, 2.6
#   - ref: https://eur-lex.europa.eu/eli/reg/2016/679/oj
#     description: Regulation (EU) 2016/679, Article 9
special_asked contains [record_type, field] if {
	some record_type, form_of_record in ceiling_of
	ceiling := data.taxonomy.ceilings[form_of_record][record_type]
	fields := {field | some field in granted[record_type].fields}
	some field, purposes in data.taxonomy.special[record_type]
	field in fields
	asked in purposes
	ceiling[field]
	some class in input.classes
	class.record_type == record_type
	field in class.fields
}

needed contains {"decision": special_decision(record_type, field), "who": "human:dpo"} if {
	some [record_type, field] in special_asked
}

special_codes[record_type] := {pair[1]: code |
	some pair in special_asked
	pair[0] == record_type
	code := special_code(special_decision(record_type, pair[1]))
} if {
	some record_type in asked_types
}

special_decision(record_type, field) := sprintf("human.dpo:special_category.%s.%s", [record_type, field])

default special_code(_) := "drop:pending"

special_code(decision_id) := "keep" if decided(decision_id, "human:dpo")
