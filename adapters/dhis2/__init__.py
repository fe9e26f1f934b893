"""DHIS2: `tracker` for data about people, `aggregate` for figures, ADX among them.

Facts are those of dhis2-core 2.44: which fields its readers know, how they are spelt, and which
mistakes of senders it would take for something else.
"""
