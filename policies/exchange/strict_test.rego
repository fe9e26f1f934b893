package exchange_test

test_an_instant_is_read if data.exchange.strict_probe == 0 with input as {"probe": "1970-01-01T00:00:00Z"}

test_nothing_is_asked_of_a_question if not data.exchange.strict_probe with input as {}
