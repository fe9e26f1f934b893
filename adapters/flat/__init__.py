"""What formats that need a mapping share: vendors' objects as the flat ones a mapping reads.

`nested` flattens JSON and nests it again, `keyed` gives the items of a list paths of their own,
`typed` writes numbers as numbers, `back` writes records as flat objects and tells of every loss,
`reading` hands flat objects to the mapping. `documents` tells a system's documents apart and writes
one object a line, `answered` understands answers to one object each. This is no adapter.
"""
