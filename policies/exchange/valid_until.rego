package exchange

# METADATA
# scope: rule
# title: How long the answer holds
# description: |
#   The earliest coming instant at which the same question could be answered differently; empty when
#   there is none.
default valid_until := ""

valid_until := min(turning_points) if count(turning_points) > 0

turning_points contains agreement.scope.start if agreement.scope.start > now

turning_points contains agreement.scope.end if agreement.scope.end > now

turning_points contains held.valid_until if {
	some held in bases_held
	held.valid_until > now
}

turning_points contains made.valid_until if {
	some made in made_decisions
	made.valid_until > now
}
