"""Hardened readers that adapters share: JSON, XML, tables.

Each takes an open binary file, reads no more of it at once than it must, and refuses with
place and rule what no honest file has: nesting without end, entities, bombs, keys that stand
twice. None of them knows a format.
"""
