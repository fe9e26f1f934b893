package exchange

# METADATA
# scope: rule
# title: Minimization
# description: |
#   Every field leaves in the strictest of the forms that the purpose's matrix, the agreement, the
#   form of the whole record and the operator's own policy name; a field any of them does not name
#   is dropped. A purpose for figures releases record types that are about nobody, and no other.
# related_resources:
#   - ref: https://www.icrc.org/en/data-protection-humanitarian-action-handbook
#     description: ICRC Handbook 3rd ed., 2.5.3, 5.2.7
# custom:
#   rules:
#     - minimize.aggregate_only
#     - minimize.empty
objections contains "minimize.aggregate_only" if people_among_figures

objections contains "minimize.empty" if {
	not people_among_figures
	not content_released
}

people_among_figures if {
	purpose.max == "agg"
	some class in input.classes
	not data.taxonomy.ceilings[purpose.max][class.record_type]
}

content_released if {
	carriers := data.taxonomy.carriers
	some i, class in input.classes
	codes_of_class := class_known(i)
	some field in class.fields
	not field in carriers
	is_content(codes_of_class[field])
}

is_content(code) if endswith(code, ":pending")

is_content(code) if not contains(code, ":")

default max_form := "agg"

max_form := data.taxonomy.max_forms[max(ranks)] if {
	ranks := {rank | some form in ceiling_of; rank := data.taxonomy.max_ranks[form]}
	count(ranks) > 0
}

asked_types contains class.record_type if some class in input.classes

ceiling_of[record_type] := data.taxonomy.max_forms[max([rank_of(item), rank_of({"max_form": purpose.max})])] if {
	some record_type in asked_types
	item := granted[record_type]
}

rank_of(place) := object.get(data.taxonomy.max_ranks, object.get(place, "max_form", "agg"), 3)

# What the matrix, the form of the whole record and the agreement's list of fields leave.
opened[record_type] := forms if {
	families := data.taxonomy.families
	some record_type, form_of_record in ceiling_of
	matrix := data.taxonomy.matrices[input.request.purpose][record_type]
	ceiling := data.taxonomy.ceilings[form_of_record][record_type]
	family_of := data.taxonomy.fields[record_type]
	forms := object.union_n([
		special_kept(record_type),
		{field: wanted |
			some field in granted[record_type].fields
			wanted := matrix[field]
			ranks := families[family_of[field]]
			ranks[wanted] >= ranks[ceiling[field]]
		},
		{field: least |
			some field in granted[record_type].fields
			least := ceiling[field]
			ranks := families[family_of[field]]
			ranks[least] > ranks[matrix[field]]
		},
	])
}

special_kept(record_type) := {field: "keep" | some field, "keep" in special_codes[record_type]}

agreed[record_type] := narrowed(record_type, held, object.get(granted[record_type], "forms", {})) if {
	some record_type, held in opened
}

released[record_type] := narrowed(record_type, held, object.get(local_narrow, record_type, {})) if {
	some record_type, held in agreed
}

narrowed(record_type, held, wishes) := object.union(held, {field: form |
	some field, wish in wishes
	ranks := data.taxonomy.families[data.taxonomy.fields[record_type][field]]
	form := strictest(ranks, held[field], wish)
})

# A form that the field's family does not have drops the field.
default strictest(_, _, _) := "drop"

strictest(ranks, held, wish) := held if ranks[held] >= ranks[wish]

strictest(ranks, held, wish) := wish if ranks[held] < ranks[wish]

# What becomes of each field: a form, or drop or null with the reason. Later reasons win.
codes[record_type] := object.union_n([
	{field: "drop:agreement" | some field, _ in matrix},
	{field: by_purpose | some field in item.fields},
	{field: by_form | some field in item.fields; matrix[field]},
	special,
	forms,
	coded(forms, object.get(item, "forms", {}), "agreement"),
	coded(forms, changed(before, forms), "local"),
	{field: "drop:always" | some field in always},
]) if {
	some record_type, forms in released
	item := granted[record_type]
	always := data.taxonomy.always_drop[record_type]
	before := agreed[record_type]
	matrix := data.taxonomy.matrices[input.request.purpose][record_type]
	special := special_codes[record_type]
	by_purpose := withheld(item, "purpose")
	by_form := withheld(item, "max_form")
}

coded(forms, names, reason) := {field: concat(":", [forms[field], reason]) |
	some field, _ in names
	forms[field] in {"drop", "null"}
}

changed(before, after) := {} if before == after

changed(before, after) := {field: form | some field, form in after; form != before[field]} if before != after

withheld(item, reason) := concat(":", ["null", reason]) if item.mark_withheld == true

withheld(item, reason) := concat(":", ["drop", reason]) if not item.mark_withheld == true

class_fields(i, answers) := {field: answer |
	some field in class.fields
	answer := answers[object.get(known, field, rest)]
} if {
	class := input.classes[i]
	known := class_known(i)
	rest := object.get(unnamed, class.record_type, "drop:agreement")
}

# A class of figures may be held closer than its record type.
class_known(i) := object.union(object.get(codes, input.classes[i].record_type, {}), class_codes[i])

class_known(i) := object.get(codes, input.classes[i].record_type, {}) if not class_codes[i]

# What becomes of a field that neither matrix nor agreement names.
unnamed[record_type] := "drop:max_form" if {
	some record_type, form in ceiling_of
	not data.taxonomy.ceilings[form][record_type]
}

unnamed[record_type] := "drop:purpose" if {
	some record_type, form in ceiling_of
	data.taxonomy.ceilings[form][record_type]
}
