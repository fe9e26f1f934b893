package exchange

# METADATA
# scope: rule
# title: Archives
# description: |
#   Whatever goes to an archive waits for the data protection officer and is sealed.
# related_resources:
#   - ref: https://www.icrc.org/en/data-protection-humanitarian-action-handbook
#     description: ICRC Handbook 3rd ed., 2.11.4
needed contains {"decision": "human.dpo:archive", "who": "human:dpo"} if asked == "hum.archive"
