"""What one connection, one address, one party and the gateway as a whole may use.

`connection` is below ASGI, where slow and endless heads and bodies are seen. `edge` is around
the application: request ids, addresses that try tricks, how much at once. `allowance` counts
parties once they are known; `quota` counts their days, in the database.
"""

from gateway.limits.allowance import Allowances
from gateway.limits.edge import Edge

__all__ = ["Allowances", "Edge"]
"""`Edge` stands around the application, `Allowances` is asked where a party is known."""
