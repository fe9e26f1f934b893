package exchange

# METADATA
# scope: rule
# title: The authorities people fled from
# description: |
#   Nothing goes to an authority of a country that the agreement says people fled from. What a person
#   asks for in writing to be given there is given by hand, not by this gateway.
# related_resources:
#   - ref: https://www.hrw.org/news/2021/06/15/un-shared-rohingya-data-without-informed-consent
#     description: Human Rights Watch, 15 June 2021
#   - ref: https://www.icrc.org/en/data-protection-humanitarian-action-handbook
#     description: ICRC Handbook 3rd ed., 4.2
# custom:
#   rules:
#     - red.country_of_origin
objections contains "red.country_of_origin" if {
	recipient.kind in data.taxonomy.authority_kinds
	some regime in recipient_regimes
	regime.id in agreement.scope.origin_countries
}
