package exchange

# METADATA
# scope: rule
# title: Red lines
# description: |
#   Uses that no agreement and no human decision can allow: a red purpose asked for, a recipient
#   whose kind or declared purposes are red, and a donor asking for data about identifiable people.
#   Three more have a file of their own: the authorities people fled from, vendors and biometrics.
# related_resources:
#   - ref: https://www.icrc.org/en/data-protection-humanitarian-action-handbook
#     description: ICRC Handbook 3rd ed., 8.2.3, 3.7.1, 9.3.2, 11.2
# custom:
#   rules:
#     - red.*
objections contains data.taxonomy.red_declared[input.request.purpose]

objections contains "red.unknown" if {
	startswith(asked, "red.")
	not data.taxonomy.red_declared[input.request.purpose]
}

objections contains data.taxonomy.red_kinds[recipient.kind]

objections contains line if {
	some declared in recipient.purposes
	line := data.taxonomy.red_declared[declared]
}

objections contains "red.unknown" if {
	some declared in recipient.purposes
	startswith(declared, "red.")
	not data.taxonomy.red_declared[declared]
}

objections contains "red.donor_crossref" if {
	recipient.kind == "donor"
	purpose.max in data.taxonomy.donor_forms
}
