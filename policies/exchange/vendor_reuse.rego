package exchange

# METADATA
# scope: rule
# title: Vendors work for others only
# description: |
#   Who processes data for others has no purposes of its own beyond the agreement, and a company or
#   broker, in whatever role, none that is not humanitarian.
# related_resources:
#   - ref: https://www.icrc.org/en/data-protection-humanitarian-action-handbook
#     description: ICRC Handbook 3rd ed., 9.3.2
# custom:
#   rules:
#     - red.vendor_reuse
objections contains "red.vendor_reuse" if {
	works_for_others
	some declared in recipient.purposes
	not agreed_purpose(declared)
}

objections contains "red.vendor_reuse" if {
	recipient.kind in data.taxonomy.vendor_kinds
	some declared in recipient.purposes
	not data.taxonomy.purposes[declared]
}

works_for_others if {
	some party in agreement.parties
	party.party == input.request.recipient
	acts_for_others(party)
}

# A parent is no leaf, and covers itself.
agreed_purpose(declared) if declared in purposes_granted

agreed_purpose(declared) if {
	some covering in data.taxonomy.purposes[declared].covered_by
	covering in purposes_granted
}

purposes_granted contains granted_purpose if {
	some grant in agreement.purposes
	input.request.recipient in [grant.from, grant.to]
	granted_purpose := grant.purpose
}
