package exchange

# METADATA
# scope: rule
# title: Consent
# description: |
#   Consent that was refused, withdrawn, has expired, was found invalid or that its source demands
#   and does not have bars a record under every legal basis. Where consent is the basis, a record without one stays.
# related_resources:
#   - ref: https://www.icrc.org/en/data-protection-humanitarian-action-handbook
#     description: ICRC Handbook 3rd ed., 3.2, 3.2.7, 3.2.8
# custom:
#   rules:
#     - consent.expired
#     - consent.invalidated
#     - consent.missing
#     - consent.not_given
#     - consent.refused
#     - consent.withdrawn
class_objections contains [i, concat(".", ["consent", class.facts.consent_status])] if {
	some i, class in input.classes
	data.taxonomy.consent[class.facts.consent_status] == "bars"
}

class_objections contains [i, "consent.missing"] if {
	basis == "lb.consent"
	some i, _ in input.classes
	not consented[i]
	not barred[i]
}

consented contains i if {
	some i, class in input.classes
	data.taxonomy.consent[class.facts.consent_status] == "stands"
}

barred contains i if {
	some i, class in input.classes
	data.taxonomy.consent[class.facts.consent_status] == "bars"
}
