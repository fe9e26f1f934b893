package exchange

# METADATA
# scope: rule
# title: Known parties
# description: |
#   Sender and recipient are registered parties, under the ids of the request, and the recipient
#   says what kind of organisation it is.
# related_resources:
#   - ref: https://www.icrc.org/en/data-protection-humanitarian-action-handbook
#     description: ICRC Handbook 3rd ed., 4.2, 4.4.2
# custom:
#   rules:
#     - party.recipient_kind_missing
#     - party.recipient_unknown
#     - party.sender_unknown
objections contains "party.sender_unknown" if not sender.id

objections contains "party.recipient_unknown" if not recipient.id

objections contains "party.recipient_kind_missing" if {
	recipient.id
	object.get(recipient, "kind", "") == ""
}
