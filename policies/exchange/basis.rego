package exchange

# METADATA
# scope: rule
# title: A legal basis that holds
# description: |
#   The legal basis is known, the agreement grants it for this purpose with all its evidence, and
#   the evidence has not run out.
# related_resources:
#   - ref: https://www.icrc.org/en/data-protection-humanitarian-action-handbook
#     description: ICRC Handbook 3rd ed., 3.1-3.7
# custom:
#   rules:
#     - basis.evidence_missing
#     - basis.expired
#     - basis.not_granted
#     - basis.unknown
objections contains "basis.unknown" if not basis_rules.evidence

objections contains "basis.not_granted" if {
	agreement.id
	not basis_granted
}

objections contains "basis.evidence_missing" if {
	count(bases_held) > 0
	not evidence_complete
}

objections contains "basis.expired" if {
	count(bases_held) > 0
	not basis_current
}

basis_granted if {
	basis in grants
	count(bases_held) > 0
}

evidence_complete if {
	some held in bases_held
	every name in basis_rules.evidence {
		name in held.evidence
	}
}

basis_current if {
	some held in bases_held
	held.valid_until > now
}

bases_held contains held if {
	some held in agreement.legal_bases
	held.basis == basis
}
