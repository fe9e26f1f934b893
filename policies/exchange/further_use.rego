package exchange

# METADATA
# scope: rule
# title: Further use
# description: |
#   Records collected for one purpose may serve another only as the table of compatible uses says:
#   some pairs are compatible, some need a person, the rest are refused.
# related_resources:
#   - ref: https://www.icrc.org/en/data-protection-humanitarian-action-handbook
#     description: ICRC Handbook 3rd ed., 2.5.2.1, 2.6.1
# custom:
#   rules:
#     - purpose.incompatible
class_objections contains [i, "purpose.incompatible"] if {
	some i, class in input.classes
	object.get(class.facts, "origin_purpose", asked) != asked
	not further_use_possible[i]
}

further_use contains [i, class.facts.origin_purpose, answer] if {
	some i, class in input.classes
	class.facts.origin_purpose != asked
	row := data.taxonomy.further_use[data.taxonomy.purposes[class.facts.origin_purpose].group]
	answer := object.get(row, asked, object.get(row, purpose.group, row["*"]))
}

further_use_possible contains i if {
	some [i, _, answer] in further_use
	answer in {"allow", "human:dpo", "human:two"}
}

further_use_possible contains i if {
	some [i, _, "consented"] in further_use
	consented[i]
}

needed contains {"decision": decision_id, "who": who} if {
	some [_, origin, who] in further_use
	startswith(who, "human:")
	decision_id := sprintf("%s:further_use.%s.%s", [replace(who, ":", "."), origin, asked])
}
