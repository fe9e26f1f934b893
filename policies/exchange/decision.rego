# METADATA
# title: Decisions about transfers
# description: One answer for one transfer. Objections of every file of this package meet in decision.rego.
package exchange

# METADATA
# title: The decision
# description: |
#   The only rule the gateway asks. It is defined for every question; what nobody foresaw is
#   refused. An objection refuses, whatever a person decided; a decision still to be made holds, and
#   so does a risk still to be measured.
# entrypoint: true
# custom:
#   rules:
#     - error.undefined
default decision := {
	"verdict": "refuse",
	"objections": [{"rule": "error.undefined", "fix": "Report this: the policy has no answer."}],
	"pending": [],
	"assess": [],
	"classes": [],
	"obligations": [],
	"border": {"crosses": true, "destination": "dest.unknown", "instrument": ""},
	"max_form": "agg",
	"valid_until": "",
}

decision := unreadable if not well_formed

decision := {
	"verdict": verdict,
	"objections": answered_objections,
	"pending": pending,
	"assess": assess,
	"classes": answered_classes,
	"obligations": obligations_now,
	"border": border,
	"max_form": max_form,
	"valid_until": valid_until,
} if {
	well_formed
}

unreadable := {
	"verdict": "refuse",
	"objections": [{"rule": "question.malformed", "fix": data.taxonomy.fixes["question.malformed"]}],
	"pending": [],
	"assess": [],
	"classes": [],
	"obligations": [],
	"border": {"crosses": true, "destination": "dest.unknown", "instrument": ""},
	"max_form": "agg",
	"valid_until": "",
}

default verdict := "refuse"

verdict := "allow" if {
	count(answered_objections) == 0
	count(pending) == 0
	count(assess) == 0
}

verdict := "pending" if {
	count(answered_objections) == 0
	count(pending) + count(assess) > 0
}

default assess := []

assess := sort(unmeasured) if count(answered_objections) == 0

answered_objections := array.concat([explained(rule) | some rule in sort(objections)], local_answers)

answered_classes := [answer |
	some i, class in input.classes
	rules := [pair[1] |
		some pair in sort(class_objections)
		pair[0] == i
	]
	answer := {
		"record_type": class.record_type,
		"facts": class.facts,
		"verdict": class_verdict(rules),
		"objections": [explained(rule) | some rule in rules],
		"fields": class_answer(i, rules),
		"limits": object.get(limits, i, {"k": 0, "min_pop": 0}),
	}
]

class_verdict(rules) := "refuse" if count(rules) > 0

class_verdict(rules) := "allow" if count(rules) == 0

class_answer(i, rules) := class_fields(i, data.taxonomy.answers) if {
	count(rules) == 0
	count(answered_objections) == 0
}

class_answer(i, rules) := class_fields(i, refused_answers) if count(rules) > 0

class_answer(i, _) := class_fields(i, refused_answers) if count(answered_objections) > 0

# What would have left does not, and says why; what would not have left keeps its own reason.
refused_answers[code] := said if {
	some code, said in data.taxonomy.answers
	said.reason
}

refused_answers[code] := {"form": "drop", "reason": "objection"} if {
	some code, said in data.taxonomy.answers
	not said.reason
}

default obligations_now := []

obligations_now := sort(obligations) if count(answered_objections) == 0

explained(rule) := {"rule": rule, "fix": object.get(data.taxonomy.fixes, rule, "Ask the data protection officer.")}
