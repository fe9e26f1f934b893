package exchange

# METADATA
# scope: rule
# title: Signed by every party
# description: |
#   The gateway verified the signature of every party that the agreement binds, over exactly this
#   content. A deployment may do without for a demo or a trial, and then says so in each question.
# related_resources:
#   - ref: https://www.icrc.org/en/data-protection-humanitarian-action-handbook
#     description: ICRC Handbook 3rd ed., 4.4.2, 4.5
# custom:
#   rules:
#     - agreement.unsigned
objections contains "agreement.unsigned" if {
	agreement.id
	not signed
}

signed if signatures_waived

signed if {
	count(bound_parties) > 0
	count(bound_parties - {party | some party in agreement.signed_by}) == 0
}

signatures_waived if input.context.unsigned == "allow"
