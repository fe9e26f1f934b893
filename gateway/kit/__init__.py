"""The kit for adapter developers: a skeleton to start from, and the standard suite.

`corridor adapter check` and a package's own tests run the same suite: `findings`. The gateway
itself imports nothing of this, and works without hypothesis, which only the suite needs.
"""

from pathlib import Path

from gateway.kit.finding import EXAMPLES, RULES, Finding

__all__ = ["EXAMPLES", "RULES", "Finding", "findings"]


def findings(where: str | Path, *, examples: int = EXAMPLES) -> list[Finding]:
    """Everything the suite finds in the adapters of a folder, or in one that is installed.

    One line of a package's own tests: `assert findings(Path(__file__).parent.parent) == []`.
    """
    from gateway.kit.subject import folder_subjects, installed_subject
    from gateway.kit.suite import examine

    subjects = folder_subjects(where) if isinstance(where, Path) else [installed_subject(where)]
    return [one for report in examine(subjects, examples=examples) for one in report.findings]
