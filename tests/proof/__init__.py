"""Proof under load: gateways and databases killed while they write, and what is left then.

    python -m tests.proof [--kills 1000] [--seed 1] [--only NAME ...]

Each trial is a real process on a real store. It writes one line to a pipe for each answer it
got from the log, as a gateway answers a partner. After the kill the log must hold what was
answered, in a tree that grows from what was signed.
"""
