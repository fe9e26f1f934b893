"""A package of a third party to start from: it works, and passes the standard suite, unedited."""

import re
from collections.abc import Mapping
from pathlib import Path
from string import Template

from gateway.errors import OfficerError

NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
"""A format's name that is also the end of a module's name."""

_TEMPLATES = Path(__file__).parent / "skeleton"


def make(name: str, into: Path) -> Path:
    """Write the package into a new folder `into/name`. Raises `OfficerError` where there is one."""
    if not NAME.fullmatch(name):
        raise OfficerError(
            "a name is lower case letters, digits and _, and begins with a letter",
            rule="adapter.name",
            at="NAME",
        )
    folder = into / name
    try:
        folder.mkdir(parents=True)
    except FileExistsError:
        raise OfficerError("this folder is there already", rule="adapter.exists", at=name) from None
    package = f"corridor_{name}"
    words = {
        "name": name,
        "package": package,
        "class_name": "".join(part.capitalize() for part in name.split("_")),
    }
    for template, target in _files(package, name).items():
        path = folder / target
        path.parent.mkdir(parents=True, exist_ok=True)
        text = (_TEMPLATES / template).read_text(encoding="utf-8")
        path.write_text(Template(text).substitute(words), encoding="utf-8")
    return folder


def _files(package: str, name: str) -> Mapping[str, str]:
    return {
        "pyproject.toml.txt": "pyproject.toml",
        "README.md.txt": "README.md",
        "adapter.py.txt": f"{package}/__init__.py",
        "sample.jsonl.txt": f"{package}/samples/people.jsonl",
        "test.py.txt": f"tests/test_{name}.py",
    }
