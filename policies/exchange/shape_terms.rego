package exchange

# METADATA
# scope: rule
# title: The terms can be read
# description: |
#   What an agreement and its circumstances may say beyond the least has the type that the rules rely
#   on. What cannot be read refuses as question.malformed.
officers_formed if {
	every made in made_decisions {
		is_object(made)
		strings_formed(object.get(made, "officers", []))
		is_string(object.get(made, "requested_by", ""))
	}
	later_formed([made.at | some made in made_decisions])
}

terms_formed(said) if {
	every name in ["incidents", "notice", "onward", "release_requires", "safeguards", "scope"] {
		is_object(object.get(said, name, {}))
	}
	lists_formed(said, ["release_given"])
	later_formed([given.valid_until | some given in object.get(said, "release_given", [])])
	named := [
		object.get(said, ["scope", "origin_countries"], []),
		object.get(said, ["notice", "recipients_listed"], []),
		object.get(said, ["notice", "purposes_listed"], []),
		object.get(said, ["onward", "recipients"], []),
	]
	every names in named {
		strings_formed(names)
	}
	parties_formed(object.get(said, "parties", []))
	items_formed(object.get(said, "data", []))
	whole_number(object.get(said, ["incidents", "notify_within_hours"], 0))
	is_boolean(object.get(said, ["release_requires", "all_contributors"], false))
	is_boolean(object.get(said, "deletion_certificate_required", false))
	safeguards_formed(object.get(said, "safeguards", {}))
}

parties_formed(parties) if {
	every party in parties {
		is_object(party)
		lists_formed(party, ["regimes"])
		every regime in object.get(party, "regimes", []) {
			strings_formed([regime.kind, regime.id])
		}
	}
}

items_formed(items) if {
	every item in items {
		strings_formed(object.get(item, "categories", []))
		is_string(object.get(item, "frequency", ""))
		whole_number(object.get(item, "volume_limit", 0))
	}
}

safeguards_formed(said) if {
	is_string(object.get(said, "dpia_ref", ""))
	is_object(object.get(said, "immunity", {}))
	every held in object.get(said, "transfer_instruments", []) {
		is_object(held)
		is_string(object.get(held, "type", ""))
		strings_formed(object.get(held, "to", []))
	}
	assessment := object.get(said, "dpia", {})
	is_object(assessment)
	is_string(object.get(assessment, "outcome", ""))
	later_formed([instant | instant := assessment.next_review])
}

whole_number(number) if {
	is_number(number)
	number == floor(number)
}

# Most questions have none, and matching is dear.
later_formed(values) if count(values) == 0

later_formed(values) if {
	count(values) > 0
	instants_formed(values)
}
