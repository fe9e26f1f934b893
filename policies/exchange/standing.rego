package exchange

# METADATA
# scope: rule
# title: Human decisions that stand
# description: |
#   A decision counts until it runs out, and only when people with the roles it needs made it: the
#   data protection officer, any one role, or two different roles.
# related_resources:
#   - ref: https://www.icrc.org/en/data-protection-humanitarian-action-handbook
#     description: ICRC Handbook 3rd ed., 4.2, 17.3.1
pending := [{"decision": item.decision, "who": item.who} |
	some item in sort(needed)
	not decided(item.decision, item.who)
]

standing contains [decision_id, role] if {
	some made in made_decisions
	decision_id := made.decision
	made.valid_until > now
	some role in made.by
	role in data.taxonomy.roles
}

made_decisions := array.concat(object.get(input.context, "decisions", []), object.get(agreement, "decisions", []))

decided(decision_id, "human:dpo") if [decision_id, "dpo"] in standing

decided(decision_id, "human:one") if count(roles_of(decision_id)) > 0

decided(decision_id, "human:two") if count(roles_of(decision_id)) > 1

roles_of(decision_id) := {pair[1] |
	some pair in standing
	pair[0] == decision_id
}
