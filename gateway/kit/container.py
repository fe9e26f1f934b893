"""A payload as the bytes somebody would edit: itself, or the members of a ZIP file."""

import io
import zipfile
from collections.abc import Iterator, Mapping
from zlib import error as ZlibError  # noqa: N812 - an exception

ZIP = b"PK\x03\x04"
_WHEN = (1980, 1, 1, 0, 0, 0)


def parts(content: bytes) -> Mapping[str, bytes]:
    """Name to bytes. A payload that is no ZIP file has one part, without a name."""
    if not content.startswith(ZIP):
        return {"": content}
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as file:
            return {name: file.read(name) for name in file.namelist()}
    except (zipfile.BadZipFile, ZlibError, ValueError, NotImplementedError, RuntimeError):
        return {"": content}


def whole(found: Mapping[str, bytes]) -> bytes:
    """The payload that has these parts."""
    if list(found) == [""]:
        return found[""]
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in found.items():
            file.writestr(zipfile.ZipInfo(name, _WHEN), content, zipfile.ZIP_DEFLATED)
    return out.getvalue()


def editions(content: bytes) -> Iterator[tuple[str, bytes, Mapping[str, bytes]]]:
    """Each part that holds text, with its name and all parts."""
    found = parts(content)
    for name, part in found.items():
        if b"\0" not in part[:4096] and part:
            yield name, part, found
