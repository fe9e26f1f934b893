package exchange

# METADATA
# scope: rule
# title: Limits of a consent
# description: |
#   The purposes and recipients that a person's consent names bind under every legal basis. A parent
#   stands for what is below it. Where consent is the basis, a child does not give it alone.
# related_resources:
#   - ref: https://www.icrc.org/en/data-protection-humanitarian-action-handbook
#     description: ICRC Handbook 3rd ed., 3.2.5, 3.2.7
# custom:
#   rules:
#     - consent.guardian_missing
#     - consent.purpose_not_covered
#     - consent.recipient_not_covered
class_objections contains [i, "consent.purpose_not_covered"] if {
	some i, class in input.classes
	class.facts.consent_purposes
	not covers(class.facts.consent_purposes, object.get(purpose, "covered_by", []))
}

class_objections contains [i, "consent.recipient_not_covered"] if {
	some i, class in input.classes
	class.facts.consent_recipients
	not covers(class.facts.consent_recipients, recipient_names)
}

class_objections contains [i, "consent.guardian_missing"] if {
	basis == "lb.consent"
	some i, class in input.classes
	class.facts.age_class == "child"
	class.facts.consent_by == "self"
}

covers(stated, names) if {
	some name in names
	name in stated
}

# The party itself, its kind, and the kinds above that.
recipient_names contains recipient.id

recipient_names contains name if {
	parts := split(recipient.kind, ".")
	some last in numbers.range(1, count(parts))
	name := concat(".", array.slice(parts, 0, last))
}
