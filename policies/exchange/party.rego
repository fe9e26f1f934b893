package exchange

# METADATA
# scope: rule
# title: Known parties
# description: |
#   Sender and recipient are registered parties, under the ids of the request, neither is suspended,
#   and the recipient says what kind of organisation it is, of the kinds that red lines know.
# related_resources:
#   - ref: https://www.icrc.org/en/data-protection-humanitarian-action-handbook
#     description: ICRC Handbook 3rd ed., 4.2, 4.4.2
# custom:
#   rules:
#     - party.recipient_kind_missing
#     - party.recipient_kind_unknown
#     - party.recipient_unknown
#     - party.sender_unknown
#     - party.suspended
objections contains "party.sender_unknown" if not sender.id

objections contains "party.recipient_unknown" if not recipient.id

objections contains "party.recipient_kind_missing" if {
	recipient.id
	object.get(recipient, "kind", "") == ""
}

objections contains "party.recipient_kind_unknown" if {
	not recipient.kind in data.taxonomy.party_kinds
	recipient.kind != ""
}

objections contains "party.suspended" if {
	some party in [sender, recipient]
	party.id
	not party.status == "active"
}
