package exchange

# METADATA
# scope: rule
# title: What the recipient takes on
# description: |
#   Delete in time, confirm receipt, tell people who received their data, and pass nothing on unless
#   the agreement says so.
# related_resources:
#   - ref: https://www.icrc.org/en/data-protection-humanitarian-action-handbook
#     description: ICRC Handbook 3rd ed., 2.7, 2.10.2, 4.2
obligations contains "acknowledge"

obligations contains "no_onward" if not agreement.onward.allowed == true

obligations contains "inform_people" if basis != "lb.consent"

obligations contains "inform_people" if border.crosses

obligations contains "seal" if asked == "hum.archive"

obligations contains "end_with_case" if border.destination == "dest.vital"

obligations contains sprintf("delete_within_days:%d", [min(periods)]) if {
	periods := {days |
		some class in input.classes
		days := kept_for[class.record_type]
	}
	count(periods) > 0
}
