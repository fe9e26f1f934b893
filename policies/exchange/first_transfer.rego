package exchange

# METADATA
# scope: rule
# title: The first transfer to a partner
# description: |
#   The first transfer to a partner for a purpose waits for two people, unless two of different
#   roles, the data protection officer among them, approved the agreement itself.
# related_resources:
#   - ref: https://www.icrc.org/en/data-protection-humanitarian-action-handbook
#     description: ICRC Handbook 3rd ed., 4.2, 4.4
needed contains {"decision": "human.two:first_transfer", "who": "human:two"} if {
	not partner_known
	not agreement_approved
	not signatures_waived
}

partner_known if input.context.prior.transfers == "some"

agreement_approved if {
	"dpo" in agreement.approved_by
	count({role | some role in agreement.approved_by; role in data.taxonomy.roles}) > 1
}
