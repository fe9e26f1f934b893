"""Mappings: tables from a form's fields to canonical fields, compiled once.

The table is data (`schemas/mapping.json`). `table` reads it into a small tree of `nodes`, and the
tree is used three ways: `source` turns it into plain Python for the hot path, `interpret` walks
it slowly to name the place and the rule when something is wrong, and `stream` writes records
into the source's own fields. Compiled and interpreted must agree (a property test holds them
equal).

A source field that no line names is never copied, so a column that a vendor adds cannot leak.
"""

from gateway.mapping.destinations import destinations, slots_of
from gateway.mapping.nodes import Plan
from gateway.mapping.reader import Reader, reader_of
from gateway.mapping.stream import write_back
from gateway.mapping.table import plan_of, read_mapping

__all__ = [
    "Plan",
    "Reader",
    "destinations",
    "plan_of",
    "read_mapping",
    "reader_of",
    "slots_of",
    "write_back",
]
