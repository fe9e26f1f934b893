package exchange

# METADATA
# scope: rule
# title: One known purpose
# description: |
#   The request names one leaf of the purpose taxonomy. A parent is too broad; an unknown purpose is
#   refused and never mapped by likeness.
# related_resources:
#   - ref: https://www.icrc.org/en/data-protection-humanitarian-action-handbook
#     description: ICRC Handbook 3rd ed., 2.5.2
# custom:
#   rules:
#     - purpose.too_broad
#     - purpose.unknown
objections contains "purpose.unknown" if not purpose.label

objections contains "purpose.too_broad" if purpose.leaf == false
