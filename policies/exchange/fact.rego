package exchange

# METADATA
# scope: rule
# title: Facts we understand
# description: |
#   Every fact stated about a record is one these rules know, with a value they know. A fact nobody
#   understands may be a restriction.
# related_resources:
#   - ref: https://www.icrc.org/en/data-protection-humanitarian-action-handbook
#     description: ICRC Handbook 3rd ed., 3.2.7
# custom:
#   rules:
#     - data.fact_unknown
class_objections contains [i, "data.fact_unknown"] if {
	some i, class in input.classes
	some name, value in class.facts
	not fact_known(name, value)
}

fact_known(name, value) if value in data.taxonomy.facts[name]

fact_known("origin_purpose", value) if data.taxonomy.purposes[value].leaf

fact_known("consent_purposes", value) if strings_formed(value)

fact_known("consent_recipients", value) if strings_formed(value)
