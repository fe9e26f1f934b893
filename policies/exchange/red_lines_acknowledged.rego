package exchange

# METADATA
# scope: rule
# title: Red lines acknowledged
# description: |
#   The parties acknowledged the red lines when they signed.
# related_resources:
#   - ref: https://www.icrc.org/en/data-protection-humanitarian-action-handbook
#     description: ICRC Handbook 3rd ed., 8.2.3, 3.7.1
# custom:
#   rules:
#     - agreement.red_lines_not_acknowledged
objections contains "agreement.red_lines_not_acknowledged" if {
	agreement.id
	not agreement.red_lines_acknowledged == true
}
