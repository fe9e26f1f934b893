package exchange

# METADATA
# scope: rule
# title: Where a legal basis may not be used
# description: |
#   A contract is no basis for people receiving aid; a legal obligation binds no organisation with
#   immunity; research never releases identified data; a public authority under the GDPR has no
#   legitimate interest; biometrics last a life, and vital interest does not. Whom a basis waits
#   for: one person for vital interest, the officer for legitimate interest and research, two for a
#   legal obligation.
# related_resources:
#   - ref: https://www.icrc.org/en/data-protection-humanitarian-action-handbook
#     description: ICRC Handbook 3rd ed., 3.3, 3.5, 3.6, 3.7, 2.5.2.1, 8.2.1
#   - ref: https://eur-lex.europa.eu/eli/reg/2016/679/oj
#     description: Regulation (EU) 2016/679, Articles 6(1) and 89
# custom:
#   rules:
#     - basis.contract_not_for_people
#     - basis.legal_not_for_immune
#     - basis.legitimate_not_for_authorities
#     - basis.research_identified
#     - basis.vital_not_for_biometrics
objections contains "basis.contract_not_for_people" if {
	basis_rules.not_for_people
	some class in input.classes
	class.record_type in data.taxonomy.people_types
}

objections contains "basis.legal_not_for_immune" if {
	basis_rules.not_for_immune
	not sender_under_state_law
}

objections contains "basis.research_identified" if {
	allowed := basis_rules.max_forms
	some form in ceiling_of
	not form in allowed
}

objections contains "basis.legitimate_not_for_authorities" if {
	basis == "lb.legitimate"
	gdpr_bound
	not sender_is_no_authority
}

objections contains "basis.vital_not_for_biometrics" if {
	basis == "lb.vital"
	count(biometric_types) > 0
}

sender_under_state_law if {
	some regime in sender.regimes
	regime.kind == "state"
}

sender_is_no_authority if {
	sender.kind in data.taxonomy.party_kinds
	not sender.kind in data.taxonomy.authority_kinds
}

needed contains {"decision": sprintf("%s:basis.%s", [replace(who, ":", "."), basis]), "who": who} if {
	who := basis_rules.who
}
