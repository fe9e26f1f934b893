"""How asking a policy can fail. Each of these is a denial: nothing leaves.

    GatewayError
    └── PolicyError
        ├── QuestionUnfit      the question has no canonical form, or is too big
        ├── PolicyUndefined    the engine knows no answer
        ├── PolicyFailed       evaluation failed, or the answer is not one we understand
        ├── PolicyUnavailable  the engine cannot be reached
        ├── PolicyTimeout      no answer within the deadline
        └── PolicyMismatch     another bundle answered than the one expected

They are named for what happened, not `...Error`: that is how a receipt reads them.
No message quotes a question, an answer or an engine's own words: they may quote the input.
"""

from gateway.errors import GatewayError


class PolicyError(GatewayError):
    """Base of the six. Catch this one; raise a leaf."""


class QuestionUnfit(PolicyError):  # noqa: N818
    """The gateway built a question that two engines might read differently."""


class PolicyUndefined(PolicyError):  # noqa: N818
    """No rule answered: a wrong path and a policy without an answer look the same."""


class PolicyFailed(PolicyError):  # noqa: N818
    """The engine broke off, or said something that `schemas/decision.json` does not allow."""


class PolicyUnavailable(PolicyError):  # noqa: N818
    """No connection, or the server is too busy to answer. Asking again later may help."""


class PolicyTimeout(PolicyError):  # noqa: N818
    """The deadline passed. The server may still be at work; its answer is not waited for."""


class PolicyMismatch(PolicyError):  # noqa: N818
    """The server answered from other policies than those approved here."""
