"""What people and partners do, and what an auditor must find about it in the log.

    followed       what changed in the files: parties, officers, witnesses, retention, the key
    decided        decisions of people: when they came into force, and what rested on them
    custody        what a recipient says about its copies, and recalls
    certificate    a recipient's signed word
    incident       events that could harm, and demands by authorities
    affected       which transfers something is about
    passed         what time alone did: content nobody fetched, answers nobody gave

Each is an entry, checked against the schema. A step that cannot follow from what was logged
before is refused, and two processes cannot take the same step twice.
"""
