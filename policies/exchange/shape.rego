package exchange

# METADATA
# scope: rule
# title: The question can be read
# description: |
#   Every value present has the type and, for instants, the spelling that the rules rely on. Two
#   data items of one record type are unreadable, for neither is stricter. A value that is absent is
#   not malformed: the rule that needs it refuses.
# custom:
#   rules:
#     - question.malformed
well_formed if {
	is_object(input)
	is_object(input.request)
	is_string(asked)
	is_string(basis)
	instants_formed([input.context.now])
	party_formed(object.get(input, "sender", null))
	party_formed(object.get(input, "recipient", null))
	lists_formed(input.context, ["decisions"])
	context_formed
	agreement_formed(object.get(input, "agreement", null))
	decisions_formed
	officers_formed
	input.records in data.taxonomy.record_buckets
	classes_formed
}

# Each absent where the gateway does not state it.
context_formed if {
	prior := object.get(input.context, "prior", {})
	is_object(prior)
	strings_formed([object.get(input.context, "unsigned", ""), object.get(prior, "transfers", "")])
	numbers_formed([object.get(prior, "derogations", 0)])
	strings_formed(object.get(input.context, "above_volume", []))
	classified := object.get(input.context, "sensitivity", {})
	is_object(classified)
	strings_formed([level | some level in classified])
	found := object.get(input.context, "risk", {})
	is_object(found)
	every one in found {
		numbers_formed([one.k, one.l, one.risk_permille])
		count(one) == 3
	}
}

party_formed(party) if is_null(party)

party_formed(party) if {
	is_object(party)
	strings_formed([object.get(party, "id", ""), object.get(party, "kind", ""), object.get(party, "status", "")])
	strings_formed(object.get(party, "purposes", []))
	lists_formed(party, ["regimes"])
	every regime in object.get(party, "regimes", []) {
		strings_formed([regime.kind, regime.id])
	}
}

agreement_formed(said) if is_null(said)

agreement_formed(said) if {
	lists_formed(said, ["parties", "purposes", "legal_bases", "data", "retention"])
	lists_formed(object.get(said, "safeguards", {}), ["transfer_instruments"])
	scope := object.get(said, "scope", {})
	is_object(scope)
	instants_formed([instant | some name in ["start", "end"]; instant := scope[name]])
	bases_formed(object.get(said, "legal_bases", []))
	data_formed(object.get(said, "data", []))
	lists_formed(said, ["decisions"])
	terms_formed(said)
	strings_formed(object.get(said, "signed_by", []))
	strings_formed(object.get(said, "approved_by", []))
	publication := object.get(said, "publication", {})
	is_object(publication)
	least := object.get(publication, "thresholds", {})
	is_object(least)
	numbers_formed([number | some number in least])
}

bases_formed(held) if {
	instants_formed([one.valid_until | some one in held])
	every one in held {
		lists_formed(one, ["evidence"])
	}
}

data_formed(items) if {
	count({item.record_type | some item in items}) == count(items)
	every item in items {
		strings_formed(object.get(item, "fields", []))
		is_string(object.get(item, "max_form", ""))
		is_object(object.get(item, "forms", {}))
	}
}

decisions_formed if {
	instants_formed([made.valid_until | some made in made_decisions])
	every made in made_decisions {
		lists_formed(made, ["by"])
	}
}

classes_formed if {
	lists_formed(input, ["classes"])
	every class in object.get(input, "classes", []) {
		is_string(class.record_type)
		strings_formed(class.fields)
		is_object(class.facts)
	}
}

lists_formed(place, names) if {
	is_object(place)
	every name in names {
		is_array(object.get(place, name, []))
	}
}

# Strings stand together in the order of all values: what lies between two is one.
strings_formed(values) if {
	is_array(values)
	is_string(min(array.concat(values, [""])))
	is_string(max(array.concat(values, [""])))
}

numbers_formed(values) if {
	is_number(min(array.concat(values, [0])))
	is_number(max(array.concat(values, [0])))
}

# One expression for all of them: matching is the dearest thing done here.
instants_formed(values) if {
	strings_formed(values)
	regex.match(
		`^([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z;)*$`,
		concat("", [sprintf("%s;", [value]) | some value in values]),
	)
}
