package exchange

# METADATA
# scope: rule
# title: Thresholds
# description: |
#   How many people a figure must be about, and a place that is published must have. An agreement may
#   ask for more in what is published, never for less.
# related_resources:
#   - ref: https://www.icrc.org/en/data-protection-humanitarian-action-handbook
#     description: ICRC Handbook 3rd ed., 5.2.7
#   - ref: https://humanitarian.atlassian.net/wiki/spaces/HDX/overview
#     description: HDX, disclosure control of microdata
#   - ref: http://www.gbvims.com/gbvims-tools/isp/
#     description: GBVIMS Information Sharing Protocol
limits[i] := {"k": bounds.k, "min_pop": bounds.min_pop} if {
	some i in counted
	bounds := thresholds[care[i]]
}

limits[i] := {"k": 0, "min_pop": bounds.min_pop} if {
	published
	some i, level in care
	not i in counted
	bounds := thresholds[level]
}

thresholds := usual_thresholds if not stricter

thresholds := {level: bounds |
	some level, held in usual_thresholds
	bounds := {
		"k": max([held.k, object.get(stricter, "k", held.k)]),
		"l": max([held.l, object.get(stricter, "l", held.l)]),
		"min_pop": max([held.min_pop, object.get(stricter, "min_pop", held.min_pop)]),
		"risk_permille": min([held.risk_permille, object.get(stricter, "risk_permille", held.risk_permille)]),
	}
} if {
	stricter
}

usual_thresholds := object.get(data.taxonomy.thresholds, audience, {})

stricter := agreement.publication.thresholds if published

care[i] := "sensitive" if some i in delicate

care[i] := "ordinary" if {
	some i, _ in input.classes
	not i in delicate
}

delicate contains i if {
	some i, class in input.classes
	class.facts.case_kind
}

delicate contains i if {
	some i, class in input.classes
	class.facts.disabled_marker == "y"
}

delicate contains i if {
	some i, effect in sensitivity_effect
	effect.sensitive
}

delicate contains i if {
	published
	purpose.group in data.taxonomy.sensitive_groups
	some i, _ in input.classes
}

# Classes whose figures have a k.
counted contains i if {
	published
	some i in figure_classes
}

counted contains i if {
	purpose.max in data.taxonomy.counted_forms
	some i in figure_classes
}

counted contains i if {
	some i in figure_classes
	i in delicate
}

figure_classes contains i if {
	some i, class in input.classes
	data.taxonomy.counts[class.record_type]
}
