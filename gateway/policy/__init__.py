"""Asking a policy whether, and in what form, anything may leave.

`Question` in, `Decision` out, by an engine that is embedded or a server; the bundle says
which policies answer. Whatever goes wrong is a `PolicyError`, and nothing leaves.
"""

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
from gateway.policy.embedded import Embedded
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
from gateway.policy.opa_server import OpaServer
from gateway.policy.question import Question, Template

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
