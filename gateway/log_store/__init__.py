"""The rows of the log, and what they may be trusted for.

For nothing: whoever can write the database can change every row. The tree, the signatures and
the high-water file are what a change is noticed by (`log`, `audit`). What a store does promise
is that a transaction holds the log from its first moment, so that nobody else can read the same
head and sign the same position, and that rows survive a power cut when it has ended.

One interface, two stores: `sqlite` is one file, `postgresql` serves several gateways.
"""

from gateway.log_store.rows import (
    CommitError,
    Full,
    Head,
    Keep,
    Rows,
    Taken,
    Unknown,
    head_of,
)
from gateway.log_store.store import Store

__all__ = ["CommitError", "Full", "Head", "Keep", "Rows", "Store", "Taken", "Unknown", "head_of"]
