"""Asking a policy whether, and in what form, anything may leave.

`Question` in, `Decision` out, by an engine that is embedded or a server; the bundle says
which policies answer. Whatever goes wrong is a `PolicyError`, and nothing leaves.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from gateway.policy.bundle import Bundle
from gateway.policy.bundle import read as read_bundle
from gateway.policy.decision import (
    Border,
    ClassDecision,
    Decision,
    FieldForm,
    Limits,
    Objection,
    Pending,
)
from gateway.policy.engine import Cached, PolicyEngine, not_ready
from gateway.policy.faults import (
    PolicyError,
    PolicyFailed,
    PolicyMismatch,
    PolicyTimeout,
    PolicyUnavailable,
    PolicyUndefined,
    QuestionUnfit,
)
from gateway.policy.question import Question, Template

if TYPE_CHECKING:
    from gateway.policy.embedded import Embedded
    from gateway.policy.opa_server import OpaServer

__all__ = [
    "Border",
    "Bundle",
    "Cached",
    "ClassDecision",
    "Decision",
    "Embedded",
    "FieldForm",
    "Limits",
    "Objection",
    "OpaServer",
    "Pending",
    "PolicyEngine",
    "PolicyError",
    "PolicyFailed",
    "PolicyMismatch",
    "PolicyTimeout",
    "PolicyUnavailable",
    "PolicyUndefined",
    "Question",
    "QuestionUnfit",
    "Template",
    "not_ready",
    "read_bundle",
]

_ENGINES = {"Embedded": "embedded", "OpaServer": "opa_server"}


def __getattr__(name: str) -> Any:
    # To import the client of a server takes longer than to explain an answer.
    if name not in _ENGINES:
        raise AttributeError(name)
    return getattr(import_module(f"gateway.policy.{_ENGINES[name]}"), name)
