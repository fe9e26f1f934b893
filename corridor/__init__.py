"""For partners' programs: a typed client of a gateway's HTTP API.

    from corridor.client import Client, Terms

`gateway/` is the gateway itself. A partner's program needs this package alone; checking receipts
offline also uses `gateway.receipt`, which comes with it.
"""

__all__ = ["answers", "calls", "client", "failures", "identity"]
