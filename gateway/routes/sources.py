"""How each system's API is asked for its records, a page at a time, oldest change first.

Pages by number shift under whoever reads while others write. So the next page is asked for by the
last moment seen, and by number only where a whole page has one moment. What comes twice is known
by its version. Two systems give no order: ODK Central and RapidPro, whose own links are followed.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl, quote, urlsplit

from gateway.errors import OfficerError, RecipientError
from gateway.routes.identified import moment
from gateway.routes.slices import Slice, said

Options = Mapping[str, str]
EXTRA = "query."
"""An option of this beginning is a parameter of the request, as it is."""
PAGE_SIZE = 200


@dataclass(frozen=True, slots=True)
class Ask:
    """One request. The path is ours; of links that systems give, only parameters are taken."""

    path: str = field(repr=False)
    params: Mapping[str, str] = field(repr=False)
    since: int = 0
    skip: int = 0


@dataclass(frozen=True, slots=True)
class Page:
    """What one request brought."""

    found: list[Slice] = field(repr=False)
    kind: str = ""
    link: str = field(default="", repr=False)
    """Of the next page, where the system names one."""


@dataclass(frozen=True, slots=True)
class Source:
    """One system's API."""

    needs: tuple[str, ...]
    ask: Callable[[Options, int, int, int], Ask]
    """Options, microseconds since 1970, size of a page, and records to skip."""
    lists: Callable[[Options], tuple[str, ...]]
    """Names of the list in an answer; an empty one where the answer is the list."""
    when: Callable[[Any], int]
    """Microseconds since 1970 of a record's last change."""
    link: str = "next"
    ordered: bool = True


def page_of(source: Source, options: Options, answer: Slice) -> Page:
    """The records of an answer. Raises `RecipientError` where it is no page."""
    for name in source.lists(options):
        if not name and isinstance(answer.value, list):
            return Page(answer.items())
        if name and isinstance(answer.value, dict) and isinstance(answer.value.get(name), list):
            kind = options.get("kind", "") if name == "instances" else name
            link = said(answer.value, source.link, f"meta {source.link}")
            return Page(answer.members()[name].items(), kind, link)
    raise RecipientError("its answer is no page of records", rule="pull.page")


def next_of(source: Source, options: Options, asked: Ask, page: Page, size: int) -> Ask | None:
    """What to ask for after a page; None after the last."""
    if not (page.link or (source.ordered and len(page.found) >= size)):
        return None
    last = max((source.when(one.value) for one in page.found), default=0) - 1_000_000
    if source.ordered and last > asked.since:
        return source.ask(options, last, size, 0)
    if page.link:
        params = {**asked.params, **dict(parse_qsl(urlsplit(page.link).query))}
        return Ask(asked.path, params, asked.since, asked.skip + len(page.found))
    return source.ask(options, asked.since, size, asked.skip + len(page.found))


def size_of(options: Options) -> int:
    """Records asked for at once."""
    text = options.get("page_size", str(PAGE_SIZE))
    if not text.isdecimal() or not 1 <= int(text) <= 1000:
        raise OfficerError("1 to 1000", rule="route.option", at="page_size")
    return int(text)


def checked(source: Source, options: Options, at: str) -> None:
    """Raise `OfficerError` where an option is lacking."""
    for name in source.needs:
        if not options.get(name, "").strip("./ "):
            raise OfficerError("an option is lacking", rule="route.option", at=f"{at}, {name}")
    size_of(options)


def _time(micros: int, zone: str = "Z") -> str:
    found = datetime.fromtimestamp(micros / 1_000_000, UTC)
    return found.strftime("%Y-%m-%dT%H:%M:%S") + zone


def _path(template: str, **steps: str) -> str:
    return template.format(**{name: quote(step, safe="") for name, step in steps.items()})


def _with(options: Options, params: Mapping[str, str]) -> dict[str, str]:
    extra = {
        name.removeprefix(EXTRA): value for name, value in options.items() if name.startswith(EXTRA)
    }
    return {**extra, **params}


def _compact(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"))


def _kobo(options: Options, since: int, size: int, skip: int) -> Ask:
    params = {
        "format": "json",
        "limit": str(size),
        "start": str(skip),
        "sort": _compact({"_submission_time": 1}),
        "query": _compact({"_submission_time": {"$gte": _time(since, "")}}),
    }
    path = _path("api/v2/assets/{asset}/data/", asset=options["asset"])
    return Ask(path, _with(options, params), since, skip)


def _ona(options: Options, since: int, size: int, skip: int) -> Ask:
    params = {
        "page": str(skip // size + 1),
        "page_size": str(size),
        "sort": _compact({"_submission_time": 1}),
        "query": _compact({"_submission_time": {"$gte": _time(since, "")}}),
    }
    return Ask(
        _path("api/v1/data/{form}", form=options["form"]), _with(options, params), since, skip
    )


def _odk(options: Options, since: int, size: int, skip: int) -> Ask:
    start = _time(since, ".000Z")
    params = {
        "$top": str(size),
        "$expand": "*",
        "$filter": f"__system/submissionDate ge {start} or __system/updatedAt ge {start}",
    }
    template = "v1/projects/{project}/forms/{form}.svc/Submissions"
    path = _path(template, project=options["project"], form=options["form"])
    return Ask(path, _with(options, params), since, skip)


def _commcare(options: Options, since: int, size: int, skip: int) -> Ask:
    start = _time(since)
    if options.get("kind") == "forms":
        path = _path("a/{domain}/api/form/v1/", domain=options["domain"])
        params = {
            "limit": str(size),
            "offset": str(skip),
            "order_by": "indexed_on",
            "indexed_on_start": start,
        }
    else:
        path = _path("a/{domain}/api/case/v2/", domain=options["domain"])
        params = {"limit": str(size), "indexed_on.gte": start}
    return Ask(path, _with(options, params), since, skip)


def _primero(options: Options, since: int, size: int, skip: int) -> Ask:
    params = {
        "per": str(size),
        "page": str(skip // size + 1),
        "order_by": "last_updated_at",
        "order": "asc",
        "last_updated_at": f"{_time(since)}..",
    }
    path = _path("api/v2/{kind}", kind=options.get("kind", "cases"))
    return Ask(path, _with(options, params), since, skip)


def _dhis2(options: Options, since: int, size: int, skip: int) -> Ask:
    params = {
        "pageSize": str(size),
        "page": str(skip // size + 1),
        "order": "updatedAt:asc",
        "updatedAfter": _time(since, ".000"),
        "fields": "*",
    }
    path = _path("api/tracker/{kind}", kind=options["kind"])
    return Ask(path, _with(options, params), since, skip)


def _rapidpro(options: Options, since: int, size: int, skip: int) -> Ask:
    path = _path("api/v2/{kind}.json", kind=options.get("kind", "contacts"))
    return Ask(path, _with(options, {"after": _time(since)}), since, skip)


def _moment(*paths: str) -> Callable[[Any], int]:
    return lambda value: moment(said(value, *paths))


SOURCES: Mapping[str, Source] = {
    "kobo": Source(("asset",), _kobo, lambda _: ("results",), _moment("_submission_time")),
    "ona": Source(("form",), _ona, lambda _: ("", "results"), _moment("_submission_time")),
    "odk": Source(
        ("project", "form"),
        _odk,
        lambda _: ("value",),
        _moment("__system updatedAt", "__system submissionDate"),
        "@odata.nextLink",
        ordered=False,
    ),
    "commcare": Source(
        ("domain",), _commcare, lambda _: ("objects", "cases"), _moment("indexed_on")
    ),
    "primero": Source((), _primero, lambda _: ("data",), _moment("last_updated_at")),
    "dhis2": Source(
        ("kind",),
        _dhis2,
        lambda options: ("instances", options["kind"]),
        _moment("updatedAt", "createdAt"),
    ),
    "rapidpro": Source(
        (), _rapidpro, lambda _: ("results",), _moment("modified_on"), ordered=False
    ),
}
"""The systems that can be asked."""
