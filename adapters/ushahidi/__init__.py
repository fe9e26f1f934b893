r"""Ushahidi: posts as its API, versions 3 and 5, and its webhooks write them.

    {"title": "...", "values": {"area": ["north"], "point": [{"lat": 3.1, "lon": 43.6}]}}
    {"title": "...", "post_content": [{"fields": [{"id": 5, "value": {"value": "north"}}]}]}
    {"count": 2, "results": [{...}, {...}]}
    {...}\n{...}\n

Fields are made for each survey: the mapping names them `values/area`, and in version 5
`post_content/area`, or `post_content/id-5` where a field has no key. Every value is a list. One is
that value. Several are one text with line breaks between where the mapping reads a list, and a
repeat where it walks them; else the second of several points or objects is `values/point#2`. A
point is `{lat, lon}`, a shape is WKT. Numbers of posts, surveys and users (`id`, `form/id`,
`user/id`) are text.

What version 5 tells of the fields themselves (labels, options) is not part of a post.

Names, addresses and places of those who report are personal data. Settings of webhooks, messages,
GeoJSON layers and CSV imports are refused.
"""

from collections.abc import Iterable, Iterator
from io import BytesIO
from typing import BinaryIO

import orjson

from adapters.flat.back import Back
from adapters.flat.reading import needed, records_of
from adapters.ushahidi.envelope import posts
from adapters.ushahidi.written import Written
from gateway.mapping import Plan
from gateway.record import Reading, Record, Writing


class Ushahidi:
    """Writes the bodies of `POST /api/v3/posts`, one a line. Needs a mapping both ways.

    What a mapping reads from version 5 has no place in them.
    """

    name = "ushahidi"
    version = "1"
    media_type = "application/x-ndjson"
    record_types: frozenset[str] | None = None

    def parse(self, content: BinaryIO, mapping: Plan | None, reading: Reading) -> Iterator[Record]:
        plan = needed(mapping, self.name)
        yield from records_of(posts(content, plan, reading), plan, reading, called="post")

    def render(
        self, records: Iterable[Record], mapping: Plan | None, writing: Writing
    ) -> Iterator[bytes]:
        back = Back(needed(mapping, self.name), records)
        written = Written(back.plan)
        for fields in back:
            line = orjson.dumps(written(fields))
            (again,) = posts(BytesIO(line), back.plan, Reading())
            if again.fields != fields:
                back.compare(fields, again.fields)
            yield line + b"\n"
        back.tell(writing)
