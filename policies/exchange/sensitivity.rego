package exchange

# METADATA
# scope: rule
# title: Sensitivity
# description: |
#   The strictest of the record's own label, the country's classification and the default of the
#   record type says what may be published and what a person decides. A level nobody knows refuses.
# related_resources:
#   - ref: https://www.icrc.org/en/data-protection-humanitarian-action-handbook
#     description: ICRC Handbook 3rd ed., 2.2, 2.8.1
#   - ref: https://reliefweb.int/report/world/iasc-operational-guidance-data-responsibility-humanitarian-action
#     description: IASC Operational Guidance on Data Responsibility, 2nd ed. 2023, information sharing protocols
# custom:
#   rules:
#     - sensitivity.not_public
#     - sensitivity.unknown
class_objections contains [i, "sensitivity.unknown"] if {
	some i, _ in input.classes
	not sensitivity[i]
}

class_objections contains [i, "sensitivity.not_public"] if {
	some i, effect in sensitivity_effect
	effect.refused
}

needed contains {"decision": decision_id, "who": who} if {
	some i, effect in sensitivity_effect
	who := effect.who
	not i in objected
	decision_id := sprintf(
		"%s:sensitivity.%s.%s",
		[replace(who, ":", "."), sensitivity[i], input.classes[i].record_type],
	)
}

# The level of each class of records.
sensitivity[i] := level if {
	ranks := data.taxonomy.sensitivity_ranks
	usual_levels := data.taxonomy.type_sensitivity
	classified := object.get(input.context, "sensitivity", {})
	some i, class in input.classes
	own := ranks[object.get(class.facts, "sensitivity", "low")]
	usual := ranks[usual_levels[class.record_type]]
	country := ranks[object.get(classified, class.record_type, "low")]
	level := data.taxonomy.sensitivity_levels[max([own, usual, country])]
}

sensitivity_effect[i] := effect if {
	effects := object.get(data.taxonomy.sensitivity_effects, audience, {})
	some i, level in sensitivity
	effect := effects[object.get(data.taxonomy.released_as, input.classes[i].record_type, "records")][level]
}
