package exchange

# METADATA
# scope: rule
# title: The person objected
# description: |
#   A person who objected is left out until the objection is decided.
# related_resources:
#   - ref: https://www.icrc.org/en/data-protection-humanitarian-action-handbook
#     description: ICRC Handbook 3rd ed., 2.11.5
# custom:
#   rules:
#     - data.objection
class_objections contains [i, "data.objection"] if {
	some i, class in input.classes
	class.facts.objected == true
}
