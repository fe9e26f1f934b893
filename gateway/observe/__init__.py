"""How the gateway does, seen from outside: counters and times, and traces.

Nothing here knows a value of a record. Labels are words of ours: a rule, a step, a route's
template, a state. Ids of transfers and people are none, and parties only where a setting says so.
"""
