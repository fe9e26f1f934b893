"""What each vendor's API answers: the records it has, by its own filters and pages."""

import json as _json
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.vendors.pushed.server import Answer, Asked, json

Record = dict[str, Any]
CAP = 1000


class Api:
    """One form, program or list of a server. `records` may change while it is asked."""

    path = ""
    """Where it answers; `{}` stands for the form."""

    def __init__(self, form: str = "") -> None:
        self.path = self.path.format(form)
        self.records: list[Record] = []
        self.before: list[Callable[[], Answer | None]] = []
        """Happen one by one before an answer, and may answer in its place."""

    def __call__(self, asked: Asked) -> Answer:
        parts = urlsplit(asked.path)
        if parts.path != self.path:
            return json({"detail": "Not found."}, 404)
        if asked.headers.get("Authorization") != "Token s3cret":
            return json({"detail": "Invalid token."}, 401)
        if self.before and (answer := self.before.pop(0)()) is not None:
            return answer
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        return self.page(query)

    def page(self, query: dict[str, str]) -> Answer:
        raise NotImplementedError


def _sorted(records: list[Record], when: Callable[[Record], str], since: str) -> list[Record]:
    # To the second, as servers that parse it would: texts with and without fractions differ.
    return sorted((one for one in records if when(one)[:19] >= since[:19]), key=when)


class Kobo(Api):
    path = "/api/v2/assets/{}/data/"

    def page(self, query: dict[str, str]) -> Answer:
        wanted = _json.loads(query["query"])["_submission_time"]["$gte"]
        assert _json.loads(query["sort"]) == {"_submission_time": 1}
        found = _sorted(self.records, lambda one: one["_submission_time"], wanted)
        start, limit = int(query["start"]), min(int(query["limit"]), CAP)
        more = start + limit < len(found)
        # Behind a proxy it names itself by another address.
        link = f"http://kpi:8000{self.path}?start={start + limit}&limit={limit}" if more else None
        page = found[start : start + limit]
        return json({"count": len(found), "next": link, "previous": None, "results": page})


class Ona(Api):
    path = "/api/v1/data/77"

    def page(self, query: dict[str, str]) -> Answer:
        wanted = _json.loads(query["query"])["_submission_time"]["$gte"]
        found = _sorted(self.records, lambda one: one["_submission_time"], wanted)
        size = int(query["page_size"])
        start = (int(query["page"]) - 1) * size
        return json(found[start : start + size])


class Odk(Api):
    path = "/v1/projects/7/forms/families%20v2.svc/Submissions"

    def page(self, query: dict[str, str]) -> Answer:
        since = query["$filter"].split(" ge ")[1].split(" ")[0]
        assert query["$filter"] == (
            f"__system/submissionDate ge {since} or __system/updatedAt ge {since}"
        )
        assert query["$expand"] == "*"

        def late(one: Record) -> bool:
            system = one["__system"]
            return system["submissionDate"] >= since or (system["updatedAt"] or "") >= since

        newest = lambda one: one["__system"]["submissionDate"]  # noqa: E731
        found = sorted(filter(late, self.records), key=newest, reverse=True)
        start, size = int(query.get("$skiptoken", "0")), int(query["$top"])
        value: dict[str, Any] = {"value": found[start : start + size]}
        if start + size < len(found):
            link = {**query, "$skiptoken": str(start + size)}
            text = "&".join(f"{name}={one.replace(' ', '%20')}" for name, one in link.items())
            value["@odata.nextLink"] = f"https://odk.example{self.path}?{text}"
        return json({"@odata.context": "https://odk.example/$metadata#Submissions", **value})


class CommCareForms(Api):
    path = "/a/{}/api/form/v1/"

    def page(self, query: dict[str, str]) -> Answer:
        found = _sorted(self.records, lambda one: one["indexed_on"], query["indexed_on_start"])
        assert query["order_by"] == "indexed_on"
        start, size = int(query["offset"]), int(query["limit"])
        more = f"?limit={size}&offset={start + size}" if start + size < len(found) else None
        meta = {"limit": size, "next": more, "offset": start, "total_count": len(found)}
        return json({"meta": meta, "objects": found[start : start + size]})


class CommCareCases(Api):
    path = "/a/{}/api/case/v2/"

    def page(self, query: dict[str, str]) -> Answer:
        found = _sorted(self.records, lambda one: one["indexed_on"], query["indexed_on.gte"])
        start, size = int(query.get("cursor", "0")), int(query["limit"])
        value: dict[str, Any] = {"matching_records": len(found)}
        value["cases"] = found[start : start + size]
        if start + size < len(found):
            more = f"limit={size}&indexed_on.gte={query['indexed_on.gte']}&cursor={start + size}"
            value["next"] = f"https://hq.example{self.path}?{more}"
        return json(value)


class Primero(Api):
    path = "/api/v2/{}"

    def page(self, query: dict[str, str]) -> Answer:
        since = query["last_updated_at"].removesuffix("..")
        found = _sorted(self.records, lambda one: one["last_updated_at"], since)
        per, page = int(query["per"]), int(query["page"])
        metadata = {"total": len(found), "per": per, "page": page}
        return json({"data": found[(page - 1) * per : page * per], "metadata": metadata})


class Dhis2(Api):
    path = "/api/tracker/trackedEntities"
    listed = "trackedEntities"

    def page(self, query: dict[str, str]) -> Answer:
        if "program" not in query:
            text = {"httpStatusCode": 400, "status": "ERROR", "message": "program is needed"}
            return json(text, 400)
        found = _sorted(self.records, lambda one: one["updatedAt"], query["updatedAfter"])
        size, page = int(query["pageSize"]), int(query["page"])
        rows = found[(page - 1) * size : page * size]
        return json({"pager": {"page": page, "pageSize": size}, self.listed: rows})


class RapidPro(Api):
    path = "/api/v2/contacts.json"

    def page(self, query: dict[str, str]) -> Answer:
        found = _sorted(self.records, lambda one: one["modified_on"], query.get("after", ""))[::-1]
        start = int(query.get("cursor", "0"))
        more = f"https://rapidpro.example{self.path}?cursor={start + 2}"
        link = more if start + 2 < len(found) else None
        return json({"next": link, "previous": None, "results": found[start : start + 2]})
