package exchange

# METADATA
# scope: rule
# title: Crossing a border of law
# description: |
#   A transfer crosses when the legal regimes of the two parties differ; an international
#   organisation is a regime of its own. A crossing needs an instrument that covers every regime of
#   the recipient, an international organisation with immunity as recipient of a sender not bound by
#   the GDPR, or a human decision on vital or important public interest.
# related_resources:
#   - ref: https://www.icrc.org/en/data-protection-humanitarian-action-handbook
#     description: ICRC Handbook 3rd ed., 2.4, 4.1, 4.4, 4.4.1
#   - ref: https://eur-lex.europa.eu/eli/reg/2016/679/oj
#     description: Regulation (EU) 2016/679, Articles 44 to 49
# custom:
#   rules:
#     - transfer.no_safeguard
#     - transfer.prohibited
#     - transfer.vital_not_single_case
default border := {"crosses": true, "destination": "dest.unknown", "instrument": ""}

border := {"crosses": crosses, "destination": destination, "instrument": instrument} if {
	count(regimes_of(sender)) > 0
	count(regimes_of(recipient)) > 0
}

regimes_of(party) := {[regime.kind, regime.id] | some regime in party.regimes}

default crosses := true

crosses := false if regimes_of(sender) == regimes_of(recipient)

gdpr_bound if {
	some regime in sender.regimes
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
	every regime in recipient.regimes {
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
	some regime in recipient.regimes
	regime.id in data.taxonomy.prohibited
}

adequate if {
	gdpr_bound
	every regime in recipient.regimes {
		regime.kind == "state"
		found_adequate(regime.id)
	}
}

found_adequate(id) if id in data.taxonomy.gdpr_states

found_adequate(id) if id in data.taxonomy.adequate

immune if {
	not gdpr_bound
	every regime in recipient.regimes {
		regime.kind == "io"
	}
}

objections contains "transfer.prohibited" if border.destination == "dest.prohibited"

objections contains "transfer.no_safeguard" if border.destination in {"dest.refused", "dest.unknown"}

objections contains "transfer.vital_not_single_case" if {
	border.destination == "dest.vital"
	gdpr_bound
	not input.records in data.taxonomy.single_case
}

needed contains {"decision": "human.one:dest.vital", "who": "human:one"} if border.destination == "dest.vital"

needed contains {"decision": "human.dpo:dest.public_interest", "who": "human:dpo"} if {
	border.destination == "dest.public_interest"
}
