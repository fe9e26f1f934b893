package exchange

# METADATA
# scope: rule
# title: Interim agreements end soon
# description: |
#   An interim agreement for an emergency lasts thirty days at most. It is made in a hurry, and the
#   agreement that follows it is not [P].
# related_resources:
#   - ref: https://www.icrc.org/en/data-protection-humanitarian-action-handbook
#     description: ICRC Handbook 3rd ed., 4.4.2
# custom:
#   rules:
#     - agreement.interim_too_long
objections contains "agreement.interim_too_long" if {
	agreement.kind == "emergency_interim"
	not short_enough
}

short_enough if {
	lasting := seconds_at(agreement.scope.end) - seconds_at(agreement.scope.start)
	lasting <= data.taxonomy.interim_days * 86400
}
