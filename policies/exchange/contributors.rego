package exchange

# METADATA
# scope: rule
# title: Every contributor agrees
# description: |
#   Consolidated figures, and whatever else its agreement says needs all contributors, leave only
#   while each organisation that answers for data in it has said yes.
# related_resources:
#   - ref: http://www.gbvims.com/gbvims-tools/isp/
#     description: GBVIMS Information Sharing Protocol
# custom:
#   rules:
#     - release.needs_all
objections contains "release.needs_all" if {
	contributors_asked
	not all_contributors_agree
}

contributors_asked if agreement.kind == "consolidation"

contributors_asked if agreement.release_requires.all_contributors == true

all_contributors_agree if {
	count(contributors) > 0
	count(contributors - releasing) == 0
}

# Whoever is not known to act for others answers for what it gives.
contributors contains contributor if {
	some party in agreement.parties
	not acts_for_others(party)
	contributor := party.party
}

acts_for_others(party) if party.role in data.taxonomy.roles_for_others

releasing contains contributor if {
	some given in agreement.release_given
	given.valid_until > now
	contributor := given.party
}
