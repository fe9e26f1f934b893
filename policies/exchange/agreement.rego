package exchange

# METADATA
# scope: rule
# title: An agreement in force
# description: |
#   An agreement under the id of the request is active now and names exactly these parties: both are
#   in it, and only a kind for many has a third.
# related_resources:
#   - ref: https://www.icrc.org/en/data-protection-humanitarian-action-handbook
#     description: ICRC Handbook 3rd ed., 4.4.2
# custom:
#   rules:
#     - agreement.expired
#     - agreement.missing
#     - agreement.not_active
#     - agreement.not_yet
#     - agreement.other_parties
objections contains "agreement.missing" if not agreement.id

objections contains "agreement.not_active" if {
	agreement.id
	not agreement.state == "active"
}

objections contains "agreement.not_yet" if {
	agreement.id
	not started
}

objections contains "agreement.expired" if {
	agreement.id
	not unfinished
}

objections contains "agreement.other_parties" if {
	agreement.id
	not parties_agree
}

started if agreement.scope.start <= now

unfinished if agreement.scope.end > now

parties_agree if {
	input.request.sender in bound_parties
	input.request.recipient in bound_parties
	not third_party
}

third_party if {
	count(bound_parties - {input.request.sender, input.request.recipient}) > 0
	not for_many
}

for_many if agreement.kind in data.taxonomy.kinds_for_many

# An observer is told of the agreement and bound by nothing in it.
bound_parties contains bound if {
	some party in agreement.parties
	not party.role == "observer"
	bound := party.party
}
