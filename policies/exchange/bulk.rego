package exchange

# METADATA
# scope: rule
# title: Bulk
# description: |
#   A thousand or more identified records wait for the data protection officer unless the agreement
#   says how many of each type it lets through at once. More than it says is refused [P].
# related_resources:
#   - ref: https://www.icrc.org/en/data-protection-humanitarian-action-handbook
#     description: ICRC Handbook 3rd ed., 2.5.3, 4.2
# custom:
#   rules:
#     - volume.exceeded
objections contains "volume.exceeded" if {
	some record_type in asked_types
	not within_volume(record_type)
}

needed contains {"decision": "human.dpo:bulk_identified", "who": "human:dpo"} if {
	input.records == data.taxonomy.bulk
	some record_type in identified_types
	not granted[record_type].volume_limit
}

within_volume(record_type) if {
	above := input.context.above_volume
	not record_type in above
}

# Nobody counts where there is no limit.
within_volume(record_type) if {
	not input.context.above_volume
	not granted[record_type].volume_limit
}
