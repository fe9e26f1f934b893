package exchange

# METADATA
# scope: rule
# title: Publication
# description: |
#   Whoever sends to everybody, or for publication, publishes. The agreement must allow it, and no
#   record about a person leaves identified or under a pseudonym.
# related_resources:
#   - ref: https://www.icrc.org/en/data-protection-humanitarian-action-handbook
#     description: ICRC Handbook 3rd ed., 2.3, 4.1
#   - ref: https://humanitarian.atlassian.net/wiki/spaces/HDX/overview
#     description: HDX, terms on personal data and disclosure control
# custom:
#   rules:
#     - public.identified
#     - public.not_agreed
default audience := "partner"

audience := "public" if published

published if asked == "hum.stat.open"

published if recipient.kind == "public"

objections contains "public.not_agreed" if {
	published
	not agreement.publication.allowed == true
}

class_objections contains [i, "public.identified"] if {
	published
	some i, class in input.classes
	class.record_type in data.taxonomy.people_types
	ceiling_of[class.record_type] in data.taxonomy.never_public
}
