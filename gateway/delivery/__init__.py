"""Pushing what was released to the recipients' own systems.

    release -> row in `delivery`, in the entry's transaction     outbox.py
    row due -> leased by one gateway -> sent -> told             pump.py, send.py
    told    -> delivered | again, later | dead letter            told.py, ledger.py

The row says what is left to do, never what was released: the log says that. A push is made at
least once. Content stays sealed until the recipient's system said what became of it, and is
destroyed in the transaction that notes it.
"""
