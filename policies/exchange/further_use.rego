package exchange

# METADATA
# scope: rule
# title: Further use
# description: |
#   Records collected for one purpose may serve another only as the table of compatible uses says:
#   some pairs are compatible, some where people were told of it, some need a person, some a new
#   legal basis and two people, and the rest are refused.
# related_resources:
#   - ref: https://www.icrc.org/en/data-protection-humanitarian-action-handbook
#     description: ICRC Handbook 3rd ed., 2.5.2.1, 2.6.1
# custom:
#   rules:
#     - purpose.incompatible
class_objections contains [i, "purpose.incompatible"] if {
	some i, class in input.classes
	object.get(class.facts, "origin_purpose", asked) != asked
	not further_use_possible[i]
}

further_use contains [i, class.facts.origin_purpose, answer] if {
	some i, class in input.classes
	class.facts.origin_purpose != asked
	row := data.taxonomy.further_use[data.taxonomy.purposes[class.facts.origin_purpose].group]
	said := object.get(row, asked, object.get(row, purpose.group, row["*"]))
	answer := use_answer(said, class.facts.origin_purpose)
}

further_use_possible contains i if {
	some [i, _, answer] in further_use
	answer in {"allow", "human:dpo", "human:two"}
}

further_use_possible contains i if {
	some [i, _, "consented"] in further_use
	consented[i]
}

use_answer(said, _) := said if not said in {"noticed", "new_basis"}

use_answer("noticed", _) := "allow" if use_noticed

use_answer("noticed", _) := "human:dpo" if not use_noticed

use_answer("new_basis", origin) := "human:two" if origin in newly_based

use_answer("new_basis", origin) := "refuse" if not origin in newly_based

use_noticed if asked in agreement.notice.purposes_listed

# The leaf itself is granted on this basis, and no grant rests the first purpose on the same.
newly_based contains origin if {
	some grant in agreement.purposes
	grant.purpose == asked
	grant.legal_basis == basis
	grant.from == input.request.sender
	grant.to == input.request.recipient
	some class in input.classes
	origin := class.facts.origin_purpose
	not origin in purposes_so_based
}

purposes_so_based contains origin if {
	some class in input.classes
	origin := class.facts.origin_purpose
	some grant in agreement.purposes
	grant.purpose in data.taxonomy.purposes[origin].covered_by
	grant.legal_basis == basis
}

needed contains {"decision": decision_id, "who": who} if {
	some [_, origin, who] in further_use
	startswith(who, "human:")
	decision_id := sprintf("%s:further_use.%s.%s", [replace(who, ":", "."), origin, asked])
}
