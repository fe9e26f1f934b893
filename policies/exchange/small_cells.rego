package exchange

# METADATA
# scope: rule
# title: Small figures
# description: |
#   A class of figures about fewer people than the threshold leaves without its counts. Figures of
#   gender-based violence and child protection cases leave coarser than others and name no agency.
# related_resources:
#   - ref: https://www.icrc.org/en/data-protection-humanitarian-action-handbook
#     description: ICRC Handbook 3rd ed., 5.2.7
#   - ref: http://www.gbvims.com/gbvims-tools/isp/
#     description: GBVIMS Information Sharing Protocol
class_codes[i] := object.union(object.get(case_codes, i, {}), object.get(small_codes, i, {})) if {
	some i in figure_classes
}

class_codes[i] := held if some i, held in family_codes

small_codes[i] := {field: "drop:small_cell" |
	some field in data.taxonomy.counts[class.record_type]
	is_content(codes[class.record_type][field])
} if {
	some i in counted
	class := input.classes[i]
	data.taxonomy.small_counts[class.facts.count_class] < limits[i].k
}

case_codes[i] := {field: code |
	some field, named in data.taxonomy.case_figures[class.record_type]
	held := codes[class.record_type][field]
	is_content(held)
	ranks := data.taxonomy.families[data.taxonomy.fields[class.record_type][field]]
	form := strictest(ranks, held, object.get({"date": case_dates}, named, named))
	code := object.get({"drop": "drop:purpose"}, form, form)
} if {
	some i, class in input.classes
	class.facts.case_kind
}

case_dates := object.get(
	data.taxonomy.case_figure_dates,
	object.get(agreement, "kind", "*"),
	data.taxonomy.case_figure_dates["*"],
)
