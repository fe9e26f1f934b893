package exchange

# METADATA
# scope: rule
# title: The operator's own policy
# description: |
#   A deployment may add package local. It can add objections and raise the strictness of forms;
#   whatever else it says is not read, and what cannot be read refuses.
# custom:
#   rules:
#     - local.malformed
objections contains "local.malformed" if not local_sound

local_sound if {
	is_set(local_objections)
	every objection in local_objections {
		is_string(objection.fix)
		is_string(objection.rule)
		regex.match(`^local[.][a-z0-9_.]*[a-z0-9]$`, objection.rule)
		count(objection) == 2
	}
	is_object(local_narrow_said)
	every forms in local_narrow_said {
		is_object(forms)
		strings_formed([form | some form in forms])
	}
}

default local_objections := set()

local_objections := data.local.objections

default local_narrow_said := {}

local_narrow_said := data.local.narrow

default local_narrow := {}

local_narrow := local_narrow_said if local_sound

default local_answers := []

local_answers := [objection | some objection in local_objections] if local_sound
