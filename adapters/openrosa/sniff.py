"""Which of the family's notations a file is in, from its first bytes."""

from typing import BinaryIO

from gateway.errors import SenderError

HEAD = 4096

_BOMS = ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be"))
_CONTROL = frozenset(range(0x20)) - frozenset(b"\t\r\n")


def is_markup(content: BinaryIO, *, form: str) -> bool:
    """True for XML, False for what must then be JSON; the file stands at its start again.

    Raises `SenderError` for tables and archives, which are exports for people and not what the
    servers' interfaces exchange: `csv`, `zip` or `xls` after the family's name.
    """
    head = content.read(HEAD)
    content.seek(0)
    if head.startswith(b"PK\x03\x04"):
        raise SenderError(
            "a ZIP archive: a form, or a table, which the tabular adapter reads",
            rule=f"{form}.zip",
        )
    if head.startswith(b"\xd0\xcf\x11\xe0"):
        raise SenderError("an old Excel file", rule=f"{form}.xls")
    text = _text(head).lstrip()
    if text.startswith("<"):
        return True
    if not text.startswith(("{", "[")) and _is_table(head):
        raise SenderError("a table, which the tabular adapter reads", rule=f"{form}.csv")
    return False


def _text(head: bytes) -> str:
    for mark, encoding in _BOMS:
        if head.startswith(mark):
            return head[len(mark) :].decode(encoding, "replace")
    return head.decode("utf-8", "replace")


def _is_table(head: bytes) -> bool:
    line = head.removeprefix(_BOMS[0][0]).lstrip().split(b"\n", 1)[0]
    return any(one in line for one in (b",", b";", b"\t")) and not _CONTROL & frozenset(line)
