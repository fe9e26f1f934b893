package exchange

# METADATA
# scope: rule
# title: An impact assessment
# description: |
#   A large or standing flow about people who could be recognised, and any of biometrics, needs a
#   data protection impact assessment whose review is not overdue. One that found a high risk waits
#   for the data protection officer each time. What is large or standing is [P].
# related_resources:
#   - ref: https://www.icrc.org/en/data-protection-humanitarian-action-handbook
#     description: ICRC Handbook 3rd ed., 8.2, 8.7, chapter 5
# custom:
#   rules:
#     - dpia.missing
objections contains "dpia.missing" if {
	assessment_due
	not assessment_stands
}

needed contains {"decision": "human.dpo:dpia_high", "who": "human:dpo"} if {
	agreement.safeguards.dpia
	not risk_borne
}

assessment_due if {
	count(identifiable_types) > 0
	input.records == data.taxonomy.bulk
}

assessment_due if {
	some record_type in identifiable_types
	not object.get(granted[record_type], "frequency", "once") in data.taxonomy.occasional
}

assessment_due if count(biometric_types) > 0

risk_borne if agreement.safeguards.dpia.outcome in {"low", "medium"}

assessment_stands if agreement.safeguards.dpia.next_review > now

# An overdue review is not made good by the name of what is overdue.
assessment_stands if {
	not agreement.safeguards.dpia
	agreement.safeguards.dpia_ref != ""
}
