package exchange

# METADATA
# scope: rule
# title: What the other rules read
# description: |
#   The names of the taxonomy and the agreement in the question, each empty when the question does
#   not give it, so that a rule that needs it refuses. An agreement under another id is none.
now := input.context.now

default asked := ""

asked := input.request.purpose

default basis := ""

basis := input.request.legal_basis

default basis_rules := {}

basis_rules := data.taxonomy.bases[input.request.legal_basis]

default purpose := {}

purpose := data.taxonomy.purposes[input.request.purpose]

default agreement := {}

agreement := input.agreement if input.agreement.id == input.request.agreement

default sender := {}

sender := input.sender if input.sender.id == input.request.sender

default recipient := {}

recipient := input.recipient if input.recipient.id == input.request.recipient
