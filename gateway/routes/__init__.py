"""Routes: standing orders for what vendors' systems send, or have when they are asked.

What arrives is taken apart into records as that system writes them (`envelopes`), each is known by
its own id and version (`identified`), compared with what came before (`arrived`), and carried
like any other transfer, one for each recipient (`taking`). Hooks lose events, so `pulling` asks
the same systems (`sources`) for what they have.
"""
