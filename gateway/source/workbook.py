"""The parts of an XLSX file (ECMA-376): its sheets, the texts they share, how numbers are shown.

Only the parts that rows need are opened. Macros, links to other files, pictures, comments and
formulas are never looked at. What a part unpacks to is bounded before and while it is read: the
sizes a ZIP file tells of itself may be lies.
"""

import posixpath
import re
import zlib
from array import array
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import BinaryIO, cast
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, ZipFile, ZipInfo

from gateway.errors import SenderError
from gateway.source.markup import Element, local
from gateway.source.parts import Parts

MEMBERS = 5_000
"""Files in the ZIP file. A workbook has a dozen, and one more for each sheet and picture."""

UNPACKED = 4 << 30
"""Bytes of one part. A full sheet of 20 columns is about 1 GiB."""

RATIO = 250
"""How far a large part may have been packed. Real sheets reach 40, deflate 1032."""

LARGE = 16 << 20
TEXTS = 128 << 20
"""Bytes of all texts that the sheets share, which are held."""

COUNT = 16 << 20
"""How many those may be."""


@dataclass(frozen=True, slots=True)
class Sheet:
    """One sheet, as the workbook lists it."""

    name: str
    part: str
    hidden: bool


class Workbook:
    """An XLSX file that was found sound as far as its list of contents goes."""

    def __init__(self, content: BinaryIO) -> None:
        with sound():
            _check_directory(content)
            self._zip = ZipFile(content)
            self._members = _members(self._zip)
            self._main = self._target("", "officeDocument")
            self._related = dict(self._relations(self._main))
            self.from_1904 = False
            """Whether days are counted from 1904."""
            self.sheets = tuple(self._sheets())

    def part(self, name: str) -> BinaryIO:
        """A part, opened. Raises `SenderError` where it is missing or a bomb."""
        info = self._members.get(name.casefold())
        if info is None:
            raise SenderError("a part of the workbook is missing", rule="table.workbook")
        size = info.file_size
        if size > UNPACKED or (size > LARGE and size > RATIO * info.compress_size):
            raise SenderError("it unpacks to more than a table has", rule="table.bomb")
        # Its reader stops at the size it was told, and then at the checksum.
        return cast(BinaryIO, self._zip.open(info))

    def elements(self, name: str, tags: Collection[str]) -> Iterator[Element]:
        """The elements with these names of one part, in order, each gone with the next."""
        with sound(), self.part(name) as opened:
            yield from Parts(opened, tags).each()

    def texts(self) -> "Texts":
        """The texts that cells refer to by number."""
        found = Texts()
        if name := self._one("sharedStrings"):
            with sound():
                for element in self.elements(name, ("si",)):
                    found.add(plain(element))
        return found

    def formats(self) -> list[str]:
        """Of each style, by its number: `number`, `date`, `clock` or `elapsed`."""
        codes: dict[str, str] = {}
        found: list[str] = []
        name = self._one("styles")
        for element in self.elements(name, ("numFmt", "xf")) if name else ():
            if local(element) == "numFmt":
                codes[element.get("numFmtId", "")] = element.get("formatCode", "")
            elif _below(element, "cellXfs"):
                number = element.get("numFmtId", "0")
                found.append(_BUILT_IN.get(number) or shown_as(codes.get(number, "")))
        return found

    def _one(self, kind: str) -> str:
        return next((part for part, of in self._related.values() if of == kind), "")

    def _target(self, source: str, kind: str) -> str:
        for part, of in dict(self._relations(source)).values():
            if of == kind:
                return part
        raise SenderError("a ZIP file, but not an XLSX workbook", rule="table.not_xlsx")

    def _relations(self, source: str) -> Iterator[tuple[str, tuple[str, str]]]:
        """Id to part and last word of its kind. What lies outside the file is left out."""
        folder, name = posixpath.split(source)
        relations = posixpath.join(folder, "_rels", f"{name}.rels")
        if relations.casefold() not in self._members:
            raise _other(self._members)
        for element in self.elements(relations, ("Relationship",)):
            if element.get("TargetMode") != "External":
                path = str(element.get("Target", ""))
                target = posixpath.normpath(posixpath.join("/", folder, path))
                kind = element.get("Type", "").rsplit("/", 1)[-1]
                yield str(element.get("Id", "")), (target.lstrip("/"), kind)

    def _sheets(self) -> Iterator[Sheet]:
        if self._main.endswith(".bin"):
            raise SenderError("a binary workbook (.xlsb): save it as .xlsx", rule="table.xlsb")
        for element in self.elements(self._main, ("workbookPr", "sheet")):
            if local(element) == "workbookPr":
                self.from_1904 = element.get("date1904", "0") in ("1", "true")
                continue
            ids = [str(value) for key, value in element.items() if str(key).endswith("}id")]
            part, kind = self._related.get(ids[0] if ids else "", ("", ""))
            if kind == "worksheet":
                hidden = element.get("state", "visible") != "visible"
                yield Sheet(str(element.get("name", "")), part, hidden)


_DAMAGE = (
    BadZipFile,
    zlib.error,
    EOFError,
    OSError,
    NotImplementedError,
    RuntimeError,
    ValueError,
    KeyError,
    OverflowError,
)


@contextmanager
def sound() -> Iterator[None]:
    """Turns what the ZIP library raises into a refusal. Its messages name files."""
    try:
        yield
    except _DAMAGE:
        raise SenderError("a damaged workbook", rule="table.workbook") from None


_END = 22
"""Bytes of the record at the end of a ZIP file, its comment aside."""


def _check_directory(content: BinaryIO) -> None:
    # The library reads the whole list of contents before anybody can look at its length.
    length = content.seek(0, 2)
    content.seek(max(0, length - _END - 65_535 - 20))
    tail = content.read()
    content.seek(0)
    end = len(tail) - _END
    if not (tail[end:].startswith(b"PK\x05\x06") and tail.endswith(b"\0\0")):
        end = tail.rfind(b"PK\x05\x06")
    if end < 0 or len(tail) - end < _END:
        raise BadZipFile
    if tail[max(0, end - 20) :].startswith(b"PK\x06\x07"):
        raise SenderError("a ZIP file larger than any workbook", rule="table.bomb")
    if int.from_bytes(tail[end + 12 : end + 16], "little") > MEMBERS * 512:
        raise SenderError("too many files in the workbook", rule="table.bomb")


def _members(opened: ZipFile) -> Mapping[str, ZipInfo]:
    found: dict[str, ZipInfo] = {}
    infos = opened.infolist()
    if len(infos) > MEMBERS:
        raise SenderError("too many files in the workbook", rule="table.bomb")
    for info in infos:
        if info.flag_bits & 1:
            raise SenderError("a workbook with a password", rule="table.encrypted")
        if info.compress_type not in (ZIP_STORED, ZIP_DEFLATED):
            raise NotImplementedError
        name = info.filename.casefold()
        if name in found:
            # Which of the two is read differs from program to program.
            raise SenderError("a part stands twice in the workbook", rule="table.part_twice")
        found[name] = info
    return found


def _other(members: Collection[str]) -> SenderError:
    if "content.xml" in members and "mimetype" in members:
        return SenderError("an OpenDocument file: save it as .xlsx", rule="table.ods")
    return SenderError("a ZIP file, but not an XLSX workbook", rule="table.not_xlsx")


def _below(element: Element, name: str) -> bool:
    parent = element.getparent()
    return parent is not None and local(parent) == name


class Texts:
    """Texts by number, in two blocks of memory: a `str` of each would take three times as much."""

    def __init__(self) -> None:
        self._bytes = bytearray()
        self._ends = array("L", [0])

    def add(self, text: str) -> None:
        """Put one more at the end. Raises `SenderError` where they become too many to hold."""
        self._bytes += text.encode()
        self._ends.append(len(self._bytes))
        if len(self._bytes) > TEXTS or len(self._ends) > COUNT:
            raise SenderError("too many different texts: send CSV", rule="table.too_many_texts")

    def __getitem__(self, number: int) -> str:
        if not 0 <= number < len(self._ends) - 1:
            raise SenderError("a cell refers to no text", rule="table.workbook")
        return self._bytes[self._ends[number] : self._ends[number + 1]].decode()


_ESCAPED = re.compile(r"_x([0-9A-Fa-f]{4})_")


def plain(element: Element) -> str:
    """The text of a cell or of a shared text (`CT_Rst`), without how to pronounce it."""
    if len(element) == 1 and (only := element[0]).tag.endswith("}t"):
        return unescaped(only.text or "")
    runs = [
        part
        for child in element
        for part in ((child,) if local(child) != "r" else child)
        if local(child) in ("r", "t") and local(part) == "t"
    ]
    return unescaped("".join(run.text or "" for run in runs))


def unescaped(text: str) -> str:
    """`ST_Xstring`: characters XML cannot hold stand as `_x001F_`."""
    if "_x" not in text:
        return text
    found = _ESCAPED.sub(lambda match: chr(int(match[1], 16)), text)
    if "\0" in found:
        raise SenderError("a NUL character", rule="table.nul")
    # Characters beyond U+FFFF may stand as two halves.
    return found.encode("utf-16", "surrogatepass").decode("utf-16")


_QUIET = re.compile(r'"[^"]*"?|\\.|[_*].|AM/PM|A/P', re.IGNORECASE)
_ELAPSED = re.compile(r"\[(h+|m+|s+)\]", re.IGNORECASE)
_BRACKET = re.compile(r"\[[^\]]*\]")


def shown_as(code: str) -> str:
    """What a number format makes of a number: `number`, `date`, `clock` or `elapsed`."""
    first = _QUIET.sub("", code).split(";", 1)[0].lower()
    if _ELAPSED.search(first):
        return "elapsed"
    first = _BRACKET.sub("", first)
    if re.search(r"[hs]", first):
        return "clock"
    return "date" if re.search(r"[dmy]", first) else "number"


_BUILT_IN: Mapping[str, str] = {
    **dict.fromkeys(("14", "15", "16", "17"), "date"),
    **dict.fromkeys(("18", "19", "20", "21", "22", "45", "47"), "clock"),
    **dict.fromkeys(map(str, (*range(27, 32), 36, *range(50, 59))), "date"),
    **dict.fromkeys(("32", "33", "34", "35"), "clock"),
    "46": "elapsed",
}
"""ECMA-376, part 1, 18.8.30. 27 to 36 and 50 to 58 are dates of East Asian editions."""
