"""Reading and writing XML: hostile documents, encodings, memory, and any bytes at all."""

import io
import tracemalloc

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from lxml import etree

from gateway.errors import SenderError
from gateway.source import markup
from gateway.source.markup import Markup

CANARY = "CanaryAmina"


class Slow(io.BytesIO):
    """A file that gives no more than a few bytes at a time."""

    def read(self, size: int | None = -1, /) -> bytes:
        return super().read(min(size, 3) if size and size > 0 else size)


def items(content: bytes) -> list[tuple[str, str]]:
    return [(markup.local(item), item.text or "") for item in Markup(io.BytesIO(content)).items()]


def refused(content: bytes) -> tuple[str, str]:
    with pytest.raises(SenderError) as caught:
        list(Markup(io.BytesIO(content)).items())
    assert CANARY not in str(caught.value)
    assert caught.value.__cause__ is None
    return caught.value.rule, caught.value.at


LAUGHS = b"".join(b'<!ENTITY l%d "%s">' % (n, b"&l%d;" % (n - 1) * 10) for n in range(1, 10))

MANY = b" ".join(b'a%d="1"' % number for number in range(200_001))


@pytest.mark.parametrize(
    "content",
    [
        b'<!DOCTYPE a [<!ENTITY l0 "lol">' + LAUGHS + b"]><a>&l9;</a>",
        b'<!DOCTYPE a [<!ENTITY l0 "lol">' + LAUGHS + b']><a x="&l9;"/>',
        b'<!DOCTYPE a [<!ENTITY x "' + b"x" * 50_000 + b'">]><a>' + b"&x;" * 5_000 + b"</a>",
        b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>',
        b'<!DOCTYPE a [<!ENTITY % x SYSTEM "file:///etc/passwd">%x;]><a/>',
        b'<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>',
        b'<!DOCTYPE a PUBLIC "-//X//Y" "http://localhost:9/a.dtd"><a/>',
        b'<!DOCTYPE a [<!ATTLIST a x CDATA "given">]><a/>',
        b"<!DOCTYPE a><a/>",
        '<?xml version="1.0" encoding="UTF-16"?><!DOCTYPE a><a/>'.encode("utf-16"),
        b"<!-- c --><?pi x?>\n<!DOCTYPE a><a/>",
    ],
    ids=[
        "billion laughs", "in an attribute", "quadratic", "external entity", "parameter entity",
        "external dtd", "public dtd", "default attribute", "bare", "utf-16", "after a comment",
    ],
)  # fmt: skip
def test_no_document_type_declaration_is_read(content):
    assert refused(content)[0] == "xml.doctype"


def test_xinclude_is_an_element_like_any_other():
    content = (
        b'<a xmlns:xi="http://www.w3.org/2001/XInclude"><xi:include href="file:///etc/passwd" '
        b'parse="text"/></a>'
    )

    assert items(content) == [("include", "")]


@pytest.mark.parametrize(
    ("content", "rule"),
    [
        (b"", "xml.empty"),
        (b" \r\n\t", "xml.empty"),
        (b"CanaryAmina", "xml.syntax"),
        (b"<a><CanaryAmina></a>", "xml.syntax"),
        (b'<a x="1" x="CanaryAmina"/>', "xml.syntax"),
        (b"<c:CanaryAmina/>", "xml.syntax"),
        (b"<a/><CanaryAmina/>", "xml.syntax"),
        (b"<a><b>CanaryAmina", "xml.truncated"),
        (b"<a><b>x</b>", "xml.truncated"),
        (b"<a>&CanaryAmina;</a>", "xml.entity"),
        (b'<a x="&CanaryAmina;"/>', "xml.entity"),
        (b"<a>\x01</a>", "xml.character"),
        (b"<a>\x00</a>", "xml.character"),
        (b"<a>&#xD800;</a>", "xml.character"),
        (b"<a>" * 1000 + b"</a>" * 1000, "xml.too_deep"),
        (b"<a><b>" + b"x" * 11_000_000 + b"</b></a>", "xml.too_large"),
        (b'<a><b x="' + b"x" * 11_000_000 + b'"/></a>', "xml.too_large"),
        (b"<a><b>" + b"<c/>" * 200_001 + b"</b></a>", "xml.too_large"),
        (b"<a><b " + MANY + b"/></a>", "xml.too_large"),
        (b"<!--" + b"x" * 1_100_000 + b"--><a/>", "xml.prolog"),
        (b" " * 1_100_000 + b"<a/>", "xml.prolog"),
        (b"<?x " + b"x" * 1_100_000 + b"?><a/>", "xml.prolog"),
        (b'<?xml version="1.0" encoding="CanaryAmina"?><a/>', "xml.encoding"),
        (b'<?xml version="1.0"?><a><b>\xe9</b></a>', "xml.encoding"),
        ('<?xml version="1.0" encoding="US-ASCII"?><a>é</a>'.encode(), "xml.encoding"),
    ],
)  # fmt: skip
def test_what_is_refused_and_by_which_rule(content, rule):
    assert refused(content)[0] == rule


def test_errors_name_line_and_column():
    assert refused(b"<a>\n<b>\n</a>") == ("xml.syntax", "line 3, column 5")


@pytest.mark.parametrize("before", [70_000, 1])
def test_lines_are_counted_beyond_two_bytes(before):
    document = Markup(io.BytesIO(b"<a>" + b"\n" * before + b"<b>x</b></a>"))

    assert markup.at(next(document.items())) == f"line {before + 1}"


@pytest.mark.parametrize(
    "content",
    [
        "<a><b>é</b></a>".encode(),
        b"\xef\xbb\xbf" + "<a><b>é</b></a>".encode(),
        '<?xml version="1.0" encoding="ISO-8859-1"?><a><b>é</b></a>'.encode("latin-1"),
        '<?xml version="1.0" encoding="windows-1252"?><a><b>é</b></a>'.encode("cp1252"),
        '<?xml version="1.0" encoding="UTF-16"?><a><b>é</b></a>'.encode("utf-16"),
        '<?xml version="1.0"?><a><b>é</b></a>'.encode("utf-16-le"),
        '<?xml version="1.0"?><a><b>é</b></a>'.encode("utf-16-be"),
        "<a><b>&#233;</b></a>".encode("ascii"),
        "<a><b><![CDATA[é]]></b></a>".encode(),
        "<a><b><!-- no -->é<?no no?></b></a>".encode(),
    ],
)
@pytest.mark.parametrize("file", [io.BytesIO, Slow])
def test_every_encoding_and_spelling_is_the_same_text(content, file):
    assert [item.text for item in Markup(file(content)).items()] == ["é"]


def test_encodings_of_many_bytes():
    content = '<?xml version="1.0" encoding="GB18030"?><a><b>地震</b></a>'.encode("gb18030")

    assert items(content) == [("b", "地震")]


def test_a_broken_document_is_not_taken_for_two():
    """lxml begins anew with the next chunk after an entity it does not know, and says nothing."""
    first = b"<a><b>&x;</b>"
    second = b"<a><b>evil</b></a>"
    content = first + b" " * (markup.CHUNK - len(first)) + second

    assert refused(content)[0] == "xml.entity"


def test_items_come_before_the_end_is_read_and_are_gone_after():
    class Counting(io.BytesIO):
        taken = 0

        def read(self, size: int | None = -1, /) -> bytes:
            chunk = super().read(size)
            self.taken += len(chunk)
            return chunk

    content = b"<a>" + b"<b><c>x</c></b> " * 100_000 + b"</a>"
    file = Counting(content)
    document = Markup(file)
    found = document.items()

    first = next(found)
    assert [child.text for child in first] == ["x"]
    assert file.taken <= 2 * markup.CHUNK
    next(found)
    assert len(first) == 0
    assert len(document.root) < markup.CHUNK // 15
    assert sum(1 for _ in found) == 99_998


def test_a_long_document_needs_little_memory():
    class Endless(io.RawIOBase):
        """A hundred megabytes that nobody holds."""

        left = 100 << 20

        def readable(self) -> bool:
            return True

        def readinto(self, buffer) -> int:  # type: ignore[no-untyped-def]
            if self.left < 0:
                return 0
            part = (b"<b>" + b"x" * 1000 + b"</b>\n") * 30
            part = (b"<a>" if self.left == 100 << 20 else b"") + part
            self.left -= len(part)
            part += b"</a>" if self.left < 0 else b""
            buffer[: len(part)] = part
            return len(part)

    before = peak()
    tracemalloc.start()
    count = sum(1 for _ in Markup(Endless()).items())  # type: ignore[arg-type]
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert count > 100_000
    assert most < 4 << 20
    assert peak() - before < 32 << 10


def peak() -> int:
    """Kilobytes this process ever held; libxml2's among them, which tracemalloc cannot see."""
    resource = pytest.importorskip("resource")
    return int(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)


def test_whole_gives_the_document_with_everything_in_it():
    root = Markup(Slow(b"<a><b>1</b><c><d/></c></a>")).whole()

    assert [markup.local(child) for child in root.iter()] == ["a", "b", "c", "d"]


def test_whole_is_bounded_too():
    with pytest.raises(SenderError, match="too large"):
        Markup(io.BytesIO(b"<a>" + b"<c/>" * 200_001 + b"</a>")).whole()


def test_names_are_told_apart_from_namespaces():
    root = Markup(io.BytesIO(b'<p:a xmlns:p="urn:x"/>')).root

    assert (markup.local(root), markup.namespace(root)) == ("a", "urn:x")
    assert markup.namespace(Markup(io.BytesIO(b"<a/>")).root) == ""


def test_text_and_elements_are_not_mixed_in_silence():
    mixed = Markup(io.BytesIO(b"<a>\n x<b/></a>")).whole()
    behind = Markup(io.BytesIO(b"<a><b/>CanaryAmina</a>")).whole()
    spaced = Markup(io.BytesIO(b"<a>\n <b/> <c/>\n</a>")).whole()

    for read in (markup.text, lambda element: list(markup.children(element))):
        with pytest.raises(SenderError, match="line 1") as caught:
            read(mixed)
        assert caught.value.rule == "xml.mixed"
    with pytest.raises(SenderError) as caught:
        list(markup.children(behind))
    assert CANARY not in str(caught.value)
    assert [markup.local(child) for child in markup.children(spaced)] == ["b", "c"]


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200), st.integers(0, 60), st.integers(0, 5))
@example(b"\xff\xfe", 0, 0)
@example(b"<", 0, 0)
def test_any_bytes_are_read_or_refused(noise, place, cut):
    whole = b'<?xml version="1.0"?><a><b x="1">t</b>&amp;<c><![CDATA[x]]></c></a>'
    for content in (noise, whole[:place] + noise + whole[place + cut :]):
        try:
            list(Markup(io.BytesIO(content)).items())
        except SenderError as error:
            assert error.rule.startswith("xml.")  # noqa: PT017 - either way is right


def element(name: str, text: str) -> etree._Element:
    made = etree.Element(name)
    made.text = text
    return made


@given(st.lists(st.text(max_size=30), max_size=4))
@settings(max_examples=100, deadline=None)
def test_what_is_written_is_read_again(texts):
    root = etree.Element("a", nsmap={"p": "urn:x"})
    root.append(element("title", "t"))
    texts = [text for text in texts if markup.writable(text)]
    content = b"".join(markup.written(root, (element("{urn:x}b", text) for text in texts)))

    assert items(content) == [("title", "t"), *(("b", text) for text in texts)]
    assert content.startswith(b"<?xml")


@pytest.mark.parametrize("text", ["\x00", "\x0b", "\ufffe", "\x1f"])
def test_texts_xml_cannot_hold_are_known(text):
    assert not markup.writable(f"a{text}")
    assert markup.writable("a\t\n\r é\U0001f600")
    with pytest.raises(ValueError, match="XML compatible"):
        element("a", text)


def test_writing_is_piece_by_piece():
    pieces = markup.written(etree.Element("a"), (element("b", "x" * 100_000) for _ in range(3)))

    assert sum(len(piece) > 50_000 for piece in pieces) >= 2
