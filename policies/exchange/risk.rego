package exchange

# METADATA
# scope: rule
# title: Risk of disclosure
# description: |
#   Records of people that leave de-identified are measured first, as they would leave. Where fewer
#   are alike than the floor they stay; where a threshold is not kept the data protection officer
#   decides.
# related_resources:
#   - ref: https://www.icrc.org/en/data-protection-humanitarian-action-handbook
#     description: ICRC Handbook 3rd ed., 5.2.7
#   - ref: https://humanitarian.atlassian.net/wiki/spaces/HDX/overview
#     description: HDX, disclosure control of microdata
# custom:
#   rules:
#     - risk.floor
class_objections contains [i, "risk.floor"] if {
	some i, class in input.classes
	de_identified(class.record_type)
	measured[class.record_type].k < data.taxonomy.risk_floor
}

needed contains {"decision": decision_id, "who": "human:dpo"} if {
	some record_type, level in assessed
	too_risky(measured[record_type], thresholds[level])
	decision_id := sprintf("human.dpo:disclosure_risk.%s", [record_type])
}

unmeasured contains record_type if {
	some record_type, _ in assessed
	not measured[record_type]
}

# Record types to be measured, each with the strictest level of its classes.
assessed[record_type] := max(levels) if {
	some record_type in asked_types
	de_identified(record_type)
	levels := {level |
		some i, level in care
		input.classes[i].record_type == record_type
		not i in objected
	}
	count(levels) > 0
}

de_identified(record_type) if {
	record_type in data.taxonomy.people_types
	ceiling_of[record_type] == data.taxonomy.risk_form
}

default measured := {}

measured := input.context.risk

too_risky(found, bounds) if found.k < bounds.k

too_risky(found, bounds) if found.l < bounds.l

too_risky(found, bounds) if found.risk_permille >= bounds.risk_permille
