package exchange

# METADATA
# scope: rule
# title: How long the answer holds
# description: |
#   The earliest coming instant at which the same question could be answered differently; empty when
#   there is none.
default valid_until := ""

valid_until := min(turning_points) if count(turning_points) > 0

turning_points contains instant if {
	some instant in instants_read
	instant > now
}

instants_read contains instant if {
	some name in ["start", "end"]
	instant := agreement.scope[name]
}

instants_read contains instant if {
	assessment := agreement.safeguards.dpia
	instant := assessment.next_review
}

instants_read contains instant if {
	some held in bases_held
	instant := held.valid_until
}

# From then on the evidence has no more time left than its basis has.
instants_read contains instant if {
	some held in bases_held
	instant := months_before(held.valid_until, basis_rules.months)
}

instants_read contains instant if {
	some given in agreement.release_given
	instant := given.valid_until
}

instants_read contains instant if {
	some made in made_decisions
	some name in ["at", "valid_until"]
	instant := made[name]
}
