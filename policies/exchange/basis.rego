package exchange

# METADATA
# scope: rule
# title: A legal basis that holds
# description: |
#   The legal basis is known, the agreement grants it for this purpose with all its evidence, and
#   that same evidence has neither run out nor been given more time than its basis has: three months
#   for vital interest, twelve for most others [P].
# related_resources:
#   - ref: https://www.icrc.org/en/data-protection-humanitarian-action-handbook
#     description: ICRC Handbook 3rd ed., 3.1-3.7
# custom:
#   rules:
#     - basis.evidence_missing
#     - basis.expired
#     - basis.not_granted
#     - basis.too_long
#     - basis.unknown
objections contains "basis.unknown" if not basis_rules.evidence

objections contains "basis.not_granted" if {
	agreement.id
	not basis_granted
}

objections contains "basis.evidence_missing" if {
	count(bases_held) > 0
	count(bases_proven) == 0
}

objections contains "basis.expired" if {
	count(bases_proven) > 0
	count(bases_current) == 0
}

objections contains "basis.too_long" if {
	count(bases_current) > 0
	not basis_in_time
}

basis_granted if {
	basis in grants
	count(bases_held) > 0
}

basis_in_time if not basis_rules.months

basis_in_time if {
	some held in bases_current
	months_before(held.valid_until, basis_rules.months) <= now
}

bases_held contains held if {
	some held in agreement.legal_bases
	held.basis == basis
}

bases_proven contains held if {
	some held in bases_held
	every name in basis_rules.evidence {
		name in held.evidence
	}
}

bases_current contains held if {
	some held in bases_proven
	held.valid_until > now
}
