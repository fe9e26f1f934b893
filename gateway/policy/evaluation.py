"""One bundle in one engine, one question, one answer: what the embedded engine and those who
explain an answer share.

An engine belongs to the thread that built it. It keeps the last input when the next one does
not parse, so after an error it is thrown away.
"""

from typing import Any

import orjson
import regorus

from gateway.policy.bundle import Bundle
from gateway.policy.decision import Decision, read
from gateway.policy.faults import PolicyFailed
from gateway.policy.question import Question

ENTRY_POINT = "data.exchange.decision"
NAME = "embedded"


def built(bundle: Bundle) -> Any:
    """An engine with this bundle. Nothing has been evaluated yet."""
    engine = regorus.Engine()
    try:
        for name, text in bundle.policies:
            engine.add_policy(name, text)
        engine.add_data_json(bundle.data.decode())
    except BaseException as error:
        raise _translated(error, "a bundle the engine refuses", "policy.load") from None
    return engine


def ask(engine: Any, question: Question, revision: str) -> Decision:
    """The decision, or a `PolicyError` that quotes nothing."""
    try:
        engine.set_input_json(question.canonical.decode())
        answer = engine.eval_rule_as_json(ENTRY_POINT)
    except BaseException as error:
        raise _translated(error, "the evaluation failed", "policy.evaluation") from None
    return read(answer, question, engine=NAME, revision=revision)


LOCAL = ("local_sound", "local_answers", "local_narrow")
"""All that the shipped policies take from an operator's own. `policies/exchange/local.rego`."""


def said_locally(engine: Any, question: Question) -> tuple[str, str, dict[str, Any]]:
    """What the operator's own policies say to a question: whether they can be read, objections,
    and stricter forms by record type. Raises `PolicyError` as `ask` does."""
    try:
        engine.set_input_json(question.canonical.decode())
        sound, answers, narrow = (
            engine.eval_rule_as_json(f"data.exchange.{name}") for name in LOCAL
        )
        return str(sound), str(answers), dict(orjson.loads(narrow))
    except BaseException as error:
        raise _translated(error, "the evaluation failed", "policy.evaluation") from None


def _translated(error: BaseException, problem: str, rule: str) -> BaseException:
    # A panic in Rust arrives as PanicException, which is no Exception and has no public name.
    if isinstance(error, Exception) or type(error).__name__ == "PanicException":
        return PolicyFailed(problem, rule=rule)
    return error
