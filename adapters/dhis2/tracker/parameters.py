"""How an import is asked for: the query of `POST /api/tracker`."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import urlencode

from gateway.errors import OfficerError

SCHEMES = (
    "idScheme",
    "dataElementIdScheme",
    "orgUnitIdScheme",
    "programIdScheme",
    "programStageIdScheme",
    "categoryOptionComboIdScheme",
    "categoryOptionIdScheme",
)
"""What may be named by something else than its uid."""

_SCHEME = re.compile(r"UID|CODE|NAME|ATTRIBUTE:[a-zA-Z][a-zA-Z0-9]{10}")
_CHOICES: Mapping[str, tuple[str, ...]] = {
    "import_strategy": ("CREATE", "UPDATE", "CREATE_AND_UPDATE", "DELETE"),
    "import_mode": ("COMMIT", "VALIDATE"),
    "atomic_mode": ("ALL", "OBJECT"),
    "report_mode": ("FULL", "ERRORS", "WARNINGS"),
}


@dataclass(frozen=True, slots=True)
class ImportParameters:
    """One import. Raises `OfficerError` for a choice the server does not have.

    By default the server answers when it is done, takes all or nothing, checks everything, and
    says of each object what became of it. Its own defaults are to answer before it has begun
    and to report errors only.
    """

    wait: bool = True
    """False: the answer only names a job, whose report must be fetched."""
    import_strategy: Literal["CREATE", "UPDATE", "CREATE_AND_UPDATE", "DELETE"] = (
        "CREATE_AND_UPDATE"
    )
    import_mode: Literal["COMMIT", "VALIDATE"] = "COMMIT"
    """`VALIDATE` stores nothing."""
    atomic_mode: Literal["ALL", "OBJECT"] = "ALL"
    """`OBJECT` takes what is right and leaves the rest."""
    report_mode: Literal["FULL", "ERRORS", "WARNINGS"] = "FULL"
    skip_rule_engine: bool = False
    skip_side_effects: bool = False
    """True: no notifications are sent."""
    skip_pattern_validation: bool = False
    skip_first: bool = False
    """True for CSV with a header, as `dhis2.tracker.csv` writes it."""
    id_schemes: Mapping[str, str] = field(default_factory=dict)
    """`orgUnitIdScheme` and its like to `UID`, `CODE`, `NAME`, `ATTRIBUTE:uid`."""

    def __post_init__(self) -> None:
        for name, choices in _CHOICES.items():
            if getattr(self, name) not in choices:
                raise OfficerError("no such choice", rule="dhis2.parameter", at=name)
        for scheme, value in self.id_schemes.items():
            if scheme not in SCHEMES or not _SCHEME.fullmatch(value):
                at = scheme if scheme in SCHEMES else "id_schemes"
                raise OfficerError("no such id scheme", rule="dhis2.parameter", at=at)

    def query(self) -> str:
        """The query, every choice written out: a server's default may change."""
        said = {
            "async": not self.wait,
            "importStrategy": self.import_strategy,
            "importMode": self.import_mode,
            "atomicMode": self.atomic_mode,
            "reportMode": self.report_mode,
            "skipRuleEngine": self.skip_rule_engine,
            "skipSideEffects": self.skip_side_effects,
            "skipPatternValidation": self.skip_pattern_validation,
        }
        texts = {key: str(value).lower() if value in (True, False) else str(value)
                 for key, value in said.items()}  # fmt: skip
        schemes = {key: self.id_schemes[key] for key in SCHEMES if key in self.id_schemes}
        header = {"skipFirst": "true"} if self.skip_first else {}
        return urlencode({**texts, **header, **schemes})
