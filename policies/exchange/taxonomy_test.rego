package exchange_test

# Every table is counted twice: as it is, and here. Whoever changes a table changes its figures with
# it, so that no entry goes, no number moves and no field opens by accident. What they are now:
#   opa eval --format pretty --data policies data.exchange_test.counted
# For each table: all values, the sum of its numbers, how many are true, how many fields are kept.
counted[name] := [count(values), sum(amounts), count(flags), count(kept)] if {
	some name, table in data.taxonomy
	not name in {"explained", "fixes", "matrix_marks", "rules"}
	not endswith(name, "_comment")
	values := [value | walk(table, [_, value])]
	amounts := [value | some value in values; is_number(value)]
	flags := [value | some value in values; value == true]
	kept := [value | some value in values; value == "keep"]
}

test_every_table_is_as_it_was_counted if counted == {
	"adequate": [1, 0, 0, 0], "always_drop": [33, 0, 0, 0], "answers": [59, 0, 0, 1],
	"authority_kinds": [9, 0, 0, 0], "bases": [47, 39, 2, 0], "before_leap_day": [3, 2, 0, 0],
	"biometric_marks": [7, 0, 0, 0], "biometric_purposes": [8, 0, 0, 0], "bulk": [1, 0, 0, 0],
	"carriers": [3, 0, 0, 0], "case_figure_dates": [3, 0, 0, 0], "case_figures": [40, 0, 0, 0],
	"case_kinds": [20, 0, 0, 0], "ceilings": [958, 0, 0, 852], "consent": [9, 0, 0, 0],
	"counted_forms": [3, 0, 0, 0], "counts": [21, 0, 0, 0], "days_before_month": [13, 1998, 0, 0],
	"decision_days": [1, 366, 0, 0], "donor_forms": [3, 0, 0, 0], "facts": [42, 0, 2, 0],
	"families": [33, 1560, 0, 0], "family_link_instruments": [2, 0, 0, 0],
	"family_link_kinds": [2, 0, 0, 0], "family_links": [9, 0, 0, 0], "fields": [347, 0, 0, 0],
	"figure_types": [4, 0, 0, 0], "forms": [14, 742, 0, 0], "further_use": [67, 0, 0, 0],
	"gdpr_states": [31, 0, 0, 0], "instruments": [25, 0, 9, 0], "interim_days": [1, 30, 0, 0],
	"kinds_for_many": [5, 0, 0, 0], "matrices": [2939, 0, 0, 2497], "max_forms": [5, 0, 0, 0],
	"max_ranks": [5, 6, 0, 0], "never_public": [3, 0, 0, 0], "occasional": [3, 0, 0, 0],
	"party_kinds": [18, 0, 0, 0], "people_types": [6, 0, 0, 0], "prohibited": [1, 0, 0, 0],
	"purposes": [443, 0, 47, 0], "record_buckets": [6, 0, 0, 0], "red_declared": [35, 0, 0, 0],
	"red_kinds": [6, 0, 0, 0], "red_lines": [46, 0, 0, 0], "refused": [1, 0, 0, 0],
	"released_as": [4, 0, 0, 0], "risk_floor": [1, 3, 0, 0], "risk_form": [1, 0, 0, 0],
	"roles": [6, 0, 0, 0], "roles_for_others": [4, 0, 0, 0], "sensitive_groups": [2, 0, 0, 0],
	"sensitivity_effects": [30, 0, 4, 0], "sensitivity_levels": [5, 0, 0, 0],
	"sensitivity_ranks": [5, 6, 0, 0], "single_case": [2, 0, 0, 0], "small_counts": [5, 34, 0, 0],
	"special": [28, 0, 0, 0], "thresholds": [23, 27123, 0, 0], "type_sensitivity": [11, 0, 0, 0],
	"vendor_kinds": [3, 0, 0, 0],
}
