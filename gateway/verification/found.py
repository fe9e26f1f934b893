"""What is wrong with a log, and what else an auditor is told of it."""

from dataclasses import dataclass, field

from gateway.audit import MAX_OF_ONE_RULE, Problem


@dataclass(slots=True)
class Found:
    """Problems as they are met; of one rule no more than tell an auditor something."""

    problems: list[Problem] = field(default_factory=list)

    def add(self, rule: str, at: str = "") -> None:
        """One thing that is not as it must be."""
        if sum(problem.rule == rule for problem in self.problems) < MAX_OF_ONE_RULE:
            self.problems.append(Problem(rule, at))

    def expect(self, holds: bool, rule: str, at: str = "") -> None:
        """A problem, unless it holds."""
        if not holds:
            self.add(rule, at)


@dataclass(frozen=True, slots=True)
class Verdict:
    """How far a log could be followed, what is wrong with it, and what it amounts to."""

    size: int
    root: bytes
    problems: tuple[Problem, ...]
    checkpoints: int
    """Checkpoints of the log that were compared with it."""
    witnessed: int
    """Entries that a quorum of witnesses vouches for. 0 where no policy was given."""
    witnessed_at: int
    """When they did, in seconds since 1970."""
    longest_wait: int
    """Seconds that an entry waited at most until a quorum vouched for it."""
    open: int
    """Releases of which the log does not say what became of them yet."""
    unfounded: int
    """Releases under an agreement or policies that nobody activated in this log."""
    notes: tuple[Problem, ...]
    """Files that are no part of a log, and mean nothing."""
