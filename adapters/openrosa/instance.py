"""OpenRosa XML: submissions as devices send them and as servers give them back.

    <data id="form" version="3"><meta><instanceID>uuid:1</instanceID></meta>...</data>
    <submission><data><form id="form">...</form></data></submission>             (Briefcase)
    <submission-batch><submission-item status="..."><form id="form">...</form></submission-item>
    <root><form id="form">...</form>...</root>                                   (Kobo, page)

XML does not say what a repeat is. The mapping does: a group it walks with `each` is a repeat,
however often it came. Any other group that came twice has no single answer: a mapped question
in it is refused, the rest is listed.
"""

from collections.abc import Callable, Iterator
from typing import Any, BinaryIO

from adapters.flat.nested import Repeats
from adapters.openrosa.others import refuse_root
from adapters.openrosa.submission import Submission, shown
from gateway.errors import SenderError
from gateway.mapping import Plan, reader_of
from gateway.source.markup import Element, Markup, at, local, namespace

TEMPLATE = "{http://openrosa.org/javarosa}template"
ENCRYPTED = "http://www.opendatakit.org/xforms/encrypted"
KEY_OF_ENCRYPTED = "base64EncryptedKey"


def submissions(content: BinaryIO, plan: Plan, *, form: str) -> Iterator[Submission]:
    """Every submission of an XML file. Raises `SenderError` for other documents."""
    document = Markup(content)
    root = document.root
    reader = Instances(plan, form)
    name = local(root)
    if "id" in root.attrib:
        yield reader.read(document.whole())
    elif name == "submission":
        for child in document.items():
            if local(child) == "data":
                yield reader.wrapped(child, around="submission")
    elif name in ("submission-batch", "root"):
        for child in document.items():
            yield from reader.inside(child)
    else:
        refuse_root(name, form=form)
        raise SenderError(
            "the root names no form: it has no attribute id", rule=f"{form}.no_form_id"
        )


class Instances:
    """Turns instances of the form a mapping is for into flat submissions."""

    def __init__(self, plan: Plan, form: str) -> None:
        self._repeats = Repeats(plan)
        self._names: Callable[[str], bool] = reader_of(plan).names
        self._form = form

    def read(self, root: Element) -> Submission:
        """One instance. `root` is the element that names the form."""
        if (
            root.get("encrypted")
            or namespace(root) == ENCRYPTED
            or any(local(child) == KEY_OF_ENCRYPTED for child in root)
        ):
            raise SenderError("a submission is encrypted", rule=f"{self._form}.encrypted")
        fields: dict[str, Any] = {}
        twice: list[str] = []
        _attributes(root, "", fields)
        self._fill(root, "", fields, twice, top=True)
        return Submission(fields, tuple(twice))

    def inside(self, item: Element) -> Iterator[Submission]:
        """The submissions in one child of a batch; none in what only counts pages."""
        if "id" in item.attrib:
            yield self.read(item)
        elif local(item) == "submission-item":
            yield self.wrapped(item, around="submission-item")
        elif local(item) == "results":
            for child in item:
                yield from self.inside(child)
        elif local(item) not in ("count", "next", "previous"):
            raise SenderError("no submission", rule=f"{self._form}.not_submissions", at=at(item))

    def wrapped(self, item: Element, *, around: str) -> Submission:
        """The one instance in a wrapper. What the wrapper itself says is listed, or mapped."""
        found = [child for child in item if "id" in child.attrib]
        if len(found) != 1:
            raise SenderError(
                "not exactly one submission", rule=f"{self._form}.not_submissions", at=at(item)
            )
        submission = self.read(found[0])
        _attributes(item, around, submission.fields)
        for child in item:
            if child is not found[0]:
                submission.fields[f"{around}/{local(child)}"] = None
        return submission

    def _fill(
        self, group: Element, path: str, fields: dict[str, Any], twice: list[str], *, top: bool
    ) -> None:
        """Answers of a group. Repeats of the mapping are looked for in the submission only."""
        _no_text_beside(group)
        same: dict[str, list[Element]] = {}
        for child in group:
            name = child.tag.rpartition("}")[2]
            key = f"{path}/{name}" if path else name
            if child.get(TEMPLATE) is not None:
                fields[f"{key}/@template"] = None
            else:
                same.setdefault(key, []).append(child)
        for key, elements in same.items():
            if top and key in self._repeats:
                fields[key] = [self._item(one, key, twice) for one in elements]
            elif len(elements) == 1:
                self._one(elements[0], key, fields, twice, top=top)
            else:
                self._several(elements, key, fields, twice)

    def _one(
        self, element: Element, key: str, fields: dict[str, Any], twice: list[str], *, top: bool
    ) -> None:
        _attributes(element, key, fields)
        if len(element):
            self._fill(element, key, fields, twice, top=top)
        else:
            fields[key] = _answer(element)

    def _item(self, element: Element, key: str, twice: list[str]) -> dict[str, Any]:
        fields: dict[str, Any] = {}
        _attributes(element, key, fields)
        self._fill(element, key, fields, twice, top=False)
        return fields

    def _several(
        self, elements: list[Element], key: str, fields: dict[str, Any], twice: list[str]
    ) -> None:
        if not any(len(one) for one in elements):
            answers = [_answer(one) for one in elements]
            fields[key] = answers[0]
            if any(one != answers[0] for one in answers):
                twice.append(key)
            return
        for path in [path for one in elements for path in _paths(one, key)]:
            if self._names(path):
                raise SenderError(
                    "a group that came twice is no repeat of the mapping",
                    rule="openrosa.repeated",
                    at=f"{at(elements[1])}, {shown(path)}",
                )
            fields[path] = None


def _attributes(element: Element, key: str, fields: dict[str, Any]) -> None:
    for name, value in element.items():
        bare = str(name).rpartition("}")[2]
        fields[f"{key}/@{bare}" if key else f"@{bare}"] = str(value)


def _answer(element: Element) -> str:
    """The text as it is; white space alone is what writers put into an empty element."""
    text = element.text or ""
    return text if text.strip() else ""


def _no_text_beside(group: Element) -> None:
    texts = [group.text, *(child.tail for child in group)]
    if any(text and text.strip() for text in texts):
        raise SenderError("text beside elements", rule="openrosa.mixed", at=at(group))


def _paths(element: Element, key: str) -> Iterator[str]:
    """Every path in a group, its own among them."""
    yield key
    for child in element:
        yield from _paths(child, f"{key}/{local(child)}")
