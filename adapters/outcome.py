"""What a server says became of each object it was sent."""

from gateway.adapter import Outcome

__all__ = ["Outcome"]
