"""How a log of an earlier version comes to the tables of this one.

Each revision in `versions/` is released once and never changed again. A new log is made with
all tables at once (`log_file`, `log_store`), and a test holds both ways to the same tables.
PostgreSQL is changed over a connection, by an operator's command; a log file at its next
opening, by the same statements, for no other driver than ours keeps its pages' checksums.
"""
