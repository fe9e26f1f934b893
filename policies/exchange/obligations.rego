package exchange

# METADATA
# scope: rule
# title: What the recipient takes on
# description: |
#   Delete in time and show it, or give back; confirm receipt; tell people who received their data;
#   tell the sender of an incident; and pass nothing on unless the agreement names to whom.
# related_resources:
#   - ref: https://www.icrc.org/en/data-protection-humanitarian-action-handbook
#     description: ICRC Handbook 3rd ed., 2.7, 2.8.6, 2.10.2, 4.2
obligations contains "acknowledge"

obligations contains "no_onward" if not passing_on

obligations contains "notify_sender_on_onward" if passing_on

obligations contains "inform_people" if basis != "lb.consent"

obligations contains "inform_people" if border.crosses

obligations contains "inform_people" if notice_lacks_recipient

# The notice that people were given does not name who receives their data now.
obligations contains "notice.recipient_missing" if notice_lacks_recipient

obligations contains "seal" if asked == "hum.archive"

obligations contains "end_with_case" if border.destination == "dest.vital"

obligations contains "deletion_certificate" if agreement.deletion_certificate_required == true

obligations contains "return_at_end" if {
	some period in agreement.retention
	period.record_type in asked_types
	period.at_end == "return"
}

obligations contains sprintf("notify_incident_within_hours:%d", [hours]) if {
	hours := agreement.incidents.notify_within_hours
}

obligations contains sprintf("delete_within_days:%d", [min(periods)]) if {
	periods := {days |
		some class in input.classes
		days := kept_for[class.record_type]
	}
	count(periods) > 0
}

passing_on if {
	agreement.onward.allowed == true
	count(agreement.onward.recipients) > 0
}

notice_lacks_recipient if {
	agreement.notice
	not recipient_noticed
}

recipient_noticed if input.request.recipient in agreement.notice.recipients_listed
