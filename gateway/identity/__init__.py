"""Who is calling: parties, known by what only they can show."""

from gateway.identity.caller import Caller, caller_of, still

__all__ = ["Caller", "caller_of", "still"]
