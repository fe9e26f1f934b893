package exchange

# METADATA
# scope: rule
# title: An agreement in force
# description: |
#   An agreement under the id of the request is active now and names exactly these parties: both are
#   in it, and a bilateral one has no third.
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
	bound := {party.party | some party in agreement.parties; not party.role == "observer"}
	input.request.sender in bound
	input.request.recipient in bound
	not third_party(bound)
}

third_party(bound) if {
	agreement.kind == "bilateral"
	count(bound - {input.request.sender, input.request.recipient}) > 0
}
