"""Name every use of Rego on which engines differ.

    python -m gateway.policy.lint policies/

Prints `file:line: problem` and exits 1 when there is a finding.
"""

import sys
from pathlib import Path

from gateway.policy.portable import findings


def main(arguments: list[str]) -> int:
    """Lint every policy below the directories named, and print what is found."""
    paths = sorted(path for folder in arguments for path in Path(folder).rglob("*.rego"))
    found = findings({str(path): path.read_text() for path in paths})
    sys.stdout.writelines(f"{finding.place}: {finding.problem}\n" for finding in found)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
