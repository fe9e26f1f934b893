package exchange

# METADATA
# scope: rule
# title: Human decisions that stand
# description: |
#   A decision counts until it runs out, a year at most, and only when people with the roles it needs
#   made it: the data protection officer, any one role, or two different roles. Where it names the
#   officers, two decisions need two of them, and nobody decides what they asked for themselves.
# related_resources:
#   - ref: https://www.icrc.org/en/data-protection-humanitarian-action-handbook
#     description: ICRC Handbook 3rd ed., 4.2, 17.3.1
pending := [{"decision": item.decision, "who": item.who} |
	some item in sort(needed)
	not decided(item.decision, item.who)
]

standing contains [decision_id, role] if {
	some made in counted_decisions
	decision_id := made.decision
	some role in made.by
	role in data.taxonomy.roles
}

made_decisions := array.concat(object.get(input.context, "decisions", []), object.get(agreement, "decisions", []))

counted_decisions contains made if {
	some made in made_decisions
	made.valid_until > now
	within_a_year(made)
	not decided_by_nobody(made)
	not decided_by_its_asker(made)
}

within_a_year(made) if not made.at

within_a_year(made) if {
	made.at <= now
	seconds_at(made.valid_until) - seconds_at(made.at) <= data.taxonomy.decision_days * 86400
}

decided_by_nobody(made) if count(made.officers) == 0

decided_by_its_asker(made) if {
	made.requested_by
	not asked_by_another(made)
}

asked_by_another(made) if {
	some _ in made.officers
	not made.requested_by in made.officers
}

decided(decision_id, "human:dpo") if [decision_id, "dpo"] in standing

decided(decision_id, "human:one") if count(roles_of(decision_id)) > 0

decided(decision_id, "human:two") if {
	count(roles_of(decision_id)) > 1
	not one_officer_alone(decision_id)
}

roles_of(decision_id) := {pair[1] |
	some pair in standing
	pair[0] == decision_id
}

one_officer_alone(decision_id) if {
	officers := {officer |
		some made in counted_decisions
		made.decision == decision_id
		some officer in made.officers
	}
	count(officers) == 1
}
