package exchange

# METADATA
# scope: rule
# title: The record type is granted
# description: |
#   The agreement names this record type among its data.
# related_resources:
#   - ref: https://www.icrc.org/en/data-protection-humanitarian-action-handbook
#     description: ICRC Handbook 3rd ed., 2.5.3, 4.2
# custom:
#   rules:
#     - data.record_type_not_granted
class_objections contains [i, "data.record_type_not_granted"] if {
	some i, class in input.classes
	not granted[class.record_type]
}

granted[item.record_type] := item if some item in agreement.data
