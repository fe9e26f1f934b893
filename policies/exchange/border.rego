package exchange

# METADATA
# scope: rule
# title: Crossing a border of law
# description: |
#   A transfer crosses when the legal regimes of the two parties differ: those of their own files,
#   and what the agreement adds, say where a processor keeps data. An international organisation is
#   a regime of its own, and what is published crosses to everywhere. A crossing
#   needs an instrument that covers every regime of the recipient, an international organisation
#   whose immunity the agreement records as recipient of a sender not bound by the GDPR, or a human
#   decision on vital or important public interest. Those two are for exceptions: the third within
#   twelve months is a standing flow, and waits for the data protection officer [P].
# related_resources:
#   - ref: https://www.icrc.org/en/data-protection-humanitarian-action-handbook
#     description: ICRC Handbook 3rd ed., 2.4, 4.1, 4.4, 4.4.1
#   - ref: https://eur-lex.europa.eu/eli/reg/2016/679/oj
#     description: Regulation (EU) 2016/679, Articles 44 to 49
# custom:
#   rules:
#     - transfer.no_safeguard
#     - transfer.prohibited
#     - transfer.refused
#     - transfer.vital_not_single_case
default border := {"crosses": true, "destination": "dest.unknown", "instrument": ""}

border := {"crosses": crosses, "destination": destination, "instrument": instrument} if {
	count(sender.regimes) > 0
	count(recipient.regimes) > 0
}

sender_regimes contains found if {
	some regime in sender.regimes
	found := {"kind": regime.kind, "id": regime.id}
}

sender_regimes contains found if {
	some party in agreement.parties
	party.party == input.request.sender
	some regime in party.regimes
	found := {"kind": regime.kind, "id": regime.id}
}

recipient_regimes contains found if {
	some regime in recipient.regimes
	found := {"kind": regime.kind, "id": regime.id}
}

recipient_regimes contains found if {
	some party in agreement.parties
	party.party == input.request.recipient
	some regime in party.regimes
	found := {"kind": regime.kind, "id": regime.id}
}

default crosses := true

crosses := false if {
	sender_regimes == recipient_regimes
	recipient.kind != "public"
}

gdpr_bound if {
	some regime in sender_regimes
	regime.kind == "state"
	regime.id in data.taxonomy.gdpr_states
}

default instrument := ""

instrument := min(instruments) if {
	crosses
	count(instruments) > 0
}

instruments contains held.type if {
	some held in agreement.safeguards.transfer_instruments
	instrument_counts(held.type)
	every regime in recipient_regimes {
		regime.id in held.to
	}
}

instrument_counts(type) if data.taxonomy.instruments[type].gdpr

instrument_counts(type) if {
	data.taxonomy.instruments[type]
	not gdpr_bound
}

default destination := "dest.refused"

destination := "dest.prohibited" if {
	prohibited
} else := "dest.prohibited" if {
	data.taxonomy.red_kinds[recipient.kind]
} else := "dest.refused" if {
	grounds_to_refuse
} else := "dest.same" if {
	not crosses
} else := "dest.safeguards" if {
	instrument != ""
} else := "dest.adequate" if {
	adequate
} else := "dest.io_immune" if {
	immune
} else := "dest.vital" if {
	basis == "lb.vital"
} else := "dest.public_interest" if {
	basis == "lb.public"
}

prohibited if {
	some regime in recipient_regimes
	regime.id in data.taxonomy.prohibited
}

# Whatever instrument there is, the operator found that data is not safe there.
grounds_to_refuse if {
	some regime in recipient_regimes
	data.taxonomy.refused[regime.id]
}

adequate if {
	gdpr_bound
	every regime in recipient_regimes {
		regime.kind == "state"
		found_adequate(regime.id)
	}
}

found_adequate(id) if id in data.taxonomy.gdpr_states

found_adequate(id) if id in data.taxonomy.adequate

immune if {
	not gdpr_bound
	agreement.safeguards.immunity.status == true
	every regime in recipient_regimes {
		regime.kind == "io"
	}
}

objections contains "transfer.prohibited" if prohibited

objections contains "transfer.refused" if grounds_to_refuse

objections contains "transfer.no_safeguard" if {
	border.destination in {"dest.refused", "dest.unknown"}
	not grounds_to_refuse
}

objections contains "transfer.vital_not_single_case" if {
	border.destination == "dest.vital"
	gdpr_bound
	not input.records in data.taxonomy.single_case
}

needed contains {"decision": "human.one:dest.vital", "who": "human:one"} if border.destination == "dest.vital"

needed contains {"decision": "human.dpo:dest.public_interest", "who": "human:dpo"} if {
	border.destination == "dest.public_interest"
}

needed contains {"decision": "human.dpo:standing_flow", "who": "human:dpo"} if {
	border.destination in {"dest.vital", "dest.public_interest"}
	not seldom_derogated
}

# Who does not say how often it was done has done it too often.
seldom_derogated if input.context.prior.derogations in {0, 1}
