package exchange_test

# One test for each red line, so that none is only one of many.

test_red_line_migration if refused_as("red.migration")

test_red_line_lawenf if refused_as("red.lawenf")

test_red_line_natsec if refused_as("red.natsec")

test_red_line_ct_screening if refused_as("red.ct_screening")

test_red_line_donor_crossref if refused_as("red.donor_crossref")

test_red_line_country_of_origin if refused_as("red.country_of_origin")

test_red_line_credit if refused_as("red.credit")

test_red_line_marketing if refused_as("red.marketing")

test_red_line_sale if refused_as("red.sale")

test_red_line_ai_training if refused_as("red.ai_training")

test_red_line_vendor_reuse if refused_as("red.vendor_reuse")

test_red_line_bio_reuse if refused_as("red.bio_reuse")

test_red_line_political if refused_as("red.political")

test_red_line_propaganda if refused_as("red.propaganda")

test_red_line_auto_decision if refused_as("red.auto_decision")

refused_as(line) if {
	answer := data.exchange.decision with input as but({"request": {"purpose": line}})
	answer.verdict == "refuse"
	line in {said.rule | some said in answer.objections}
	declared := data.exchange.decision with input as but({"recipient": {"purposes": [line]}})
	[said.rule | some said in declared.objections] == [line]
	every class in declared.classes {
		every form in class.fields {
			form.form in {"drop", "null"}
		}
	}
}

test_destination_vital if {
	change := object.union(bare({}), {"request": {"legal_basis": "lb.vital"}})
	data.exchange.border.destination == "dest.vital" with input as but(change)
}
