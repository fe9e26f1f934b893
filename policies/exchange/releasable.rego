package exchange

# METADATA
# scope: rule
# title: Something may leave
# description: |
#   At least one class of records meets no objection of its own. An empty transfer releases nothing
#   and is refused.
# related_resources:
#   - ref: https://www.icrc.org/en/data-protection-humanitarian-action-handbook
#     description: ICRC Handbook 3rd ed., 4.2
# custom:
#   rules:
#     - records.none_releasable
objections contains "records.none_releasable" if count(objected) == count(object.get(input, "classes", []))

objected contains i if some [i, _] in class_objections
