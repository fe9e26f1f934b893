"""What `corridor policy explain` prints, with no more imported than it takes."""

from pathlib import Path

import orjson

from gateway.errors import OfficerError
from gateway.policy.bundle import Bundle
from gateway.policy.evaluation import ask, built
from gateway.policy.explain import explain
from gateway.policy.question import Question

POLICIES = Path(__file__).resolve().parent.parent / "policies"


def explained(target: str, deployment: Path | None, *, json: bool) -> str:
    """A transfer or a question explained, in words or as JSON.

    A transfer is explained by the question and the bundle recorded for it; a question by the
    policies in force, or, without a deployment, by those that come with Corridor.
    """
    file = Path(target)
    if file.suffix == ".json" or file.is_file():
        question, bundle = _read(file), _in_force(deployment)
    elif deployment is None:
        raise OfficerError("a transfer is in a log: give --deployment", rule="explain.no_log")
    else:
        from gateway.recorded import asked

        question, bundle = asked(deployment / "data", target, lambda: _in_folders(deployment))
    decision = ask(built(bundle), question, bundle.revision)
    tables = orjson.loads(bundle.data)["taxonomy"]
    explanation = explain(decision, question.document, tables)
    if json:
        return orjson.dumps(explanation.document(), option=orjson.OPT_INDENT_2).decode()
    from gateway.show_reasons import told_lines

    return "\n".join(told_lines(explanation))


def _read(file: Path) -> Question:
    try:
        document = orjson.loads(file.read_bytes())
    except OSError:
        raise OfficerError("no such file", rule="explain.file", at=file.name) from None
    except ValueError:
        raise OfficerError("not JSON", rule="explain.file", at=file.name) from None
    return Question.of(document)


def _in_force(deployment: Path | None) -> Bundle:
    if deployment is not None:
        from gateway.recorded import standing

        if (activated := standing(deployment / "data")) is not None:
            return activated
    return _in_folders(deployment)


def _in_folders(deployment: Path | None) -> Bundle:
    from gateway.policy.bundle import gathered

    own = deployment / "policies" if deployment is not None else None
    # Not held to the subset again: the gateway refused what is outside when it read it.
    return gathered(POLICIES, own if own is not None and any(own.glob("**/*.rego")) else None)
