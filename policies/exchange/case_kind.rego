package exchange

# METADATA
# scope: rule
# title: Cases under a duty of secrecy
# description: |
#   Records of gender-based violence and child protection cases leave only for that case, or for a
#   referral the person consented to. Figures of such cases leave for coordination and publication;
#   those of gender-based violence only under an agreement on consolidated data.
# related_resources:
#   - ref: https://www.icrc.org/en/data-protection-humanitarian-action-handbook
#     description: ICRC Handbook 3rd ed., 2.5.2.1
#   - ref: http://www.gbvims.com/gbvims-tools/isp/
#     description: GBVIMS Information Sharing Protocol
# custom:
#   rules:
#     - data.child_restricted
#     - data.gbv_restricted
class_objections contains [i, secrecy.rule] if {
	some i, class in input.classes
	secrecy := data.taxonomy.case_kinds[class.facts.case_kind]
	not asked in secrecy.purposes
	not consented_referral(i, secrecy)
	not case_figure(class, secrecy)
}

consented_referral(i, secrecy) if {
	asked in secrecy.consented
	consented[i]
}

case_figure(class, secrecy) if {
	class.record_type in data.taxonomy.figure_types
	asked in secrecy.figures
	figures_agreed(secrecy)
}

figures_agreed(secrecy) if not secrecy.agreement_kind

figures_agreed(secrecy) if agreement.kind == secrecy.agreement_kind
