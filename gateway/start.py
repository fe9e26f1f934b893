"""The `corridor` command: where it starts.

An officer asks `policy explain` again and again, and most of the time it would take goes into
reading command lines in general. It is therefore answered before any of that is imported.
"""

import sys
from pathlib import Path

from gateway.errors import CorridorError

DEPLOYMENT = ("-d", "--deployment")


def main() -> None:
    """Answer, or leave it to `gateway.cli`."""
    if sys.argv[1:3] == ["policy", "explain"]:
        code = quick(sys.argv[3:])
        if code is not None:
            sys.exit(code)
    from gateway import cli

    cli.main()


def quick(arguments: list[str]) -> int | None:
    """`policy explain` in its plain forms; nothing for help and for what needs a complaint."""
    target, deployment, json = "", None, False
    left = iter(arguments)
    for one in left:
        if one == "--json":
            json = True
        elif (
            one in DEPLOYMENT
            and deployment is None
            and (value := next(left, "-"))
            and (not value.startswith("-"))
        ):
            deployment = Path(value)
        elif one and not one.startswith("-") and not target:
            target = one
        else:
            return None
    if not target:
        return None
    from gateway.explained import explained

    try:
        sys.stdout.write(explained(target, deployment, json=json) + "\n")
    except CorridorError as error:
        sys.stderr.write(f"corridor: {error} ({error.rule})\n")
        return 1
    return 0
