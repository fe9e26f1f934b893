package exchange

# METADATA
# scope: rule
# title: The purpose is granted in this direction
# description: |
#   The agreement grants the purpose asked for, or a parent of it, from this sender to this
#   recipient.
# related_resources:
#   - ref: https://www.icrc.org/en/data-protection-humanitarian-action-handbook
#     description: ICRC Handbook 3rd ed., 2.5.2, 4.2
# custom:
#   rules:
#     - purpose.not_granted
objections contains "purpose.not_granted" if {
	agreement.id
	count(grants) == 0
}

grants contains granted_basis if {
	some grant in agreement.purposes
	grant.purpose in purpose.covered_by
	grant.from == input.request.sender
	grant.to == input.request.recipient
	granted_basis := grant.legal_basis
}
