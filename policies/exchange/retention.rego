package exchange

# METADATA
# scope: rule
# title: Retention
# description: |
#   The agreement says how long the recipient keeps this record type, and the record's own end has
#   not passed.
# related_resources:
#   - ref: https://www.icrc.org/en/data-protection-humanitarian-action-handbook
#     description: ICRC Handbook 3rd ed., 2.7
# custom:
#   rules:
#     - retention.missing
#     - retention.passed
class_objections contains [i, "retention.passed"] if {
	some i, class in input.classes
	class.facts.expired == true
}

class_objections contains [i, "retention.missing"] if {
	some i, class in input.classes
	not kept_for[class.record_type]
}

kept_for[record_type] := min(days) if {
	some record_type in asked_types
	days := {period.days |
		some period in agreement.retention
		period.record_type == record_type
		is_number(period.days)
	}
	count(days) > 0
	min(days) > 0
}
