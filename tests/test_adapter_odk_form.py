"""What we post has the structure of the form it is posted to, by a compiler we did not write."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from lxml import etree
from pyxform.xls2xform import convert

import adapters.kobo
import adapters.odk
from adapters.kobo import KoboXml
from adapters.odk import Odk
from gateway.adapter import Adapter, read, write
from gateway.mapping import read_mapping

ODK = Path(adapters.odk.__file__).parent / "samples" / "odk"
KOBO = Path(adapters.kobo.__file__).parent / "samples" / "kobo.xml"


def rows(text: str) -> list[dict[str, str]]:
    """Questions, one a line: type and name, indented as one likes."""
    found = []
    for line in text.strip().splitlines():
        kind, _, name = line.strip().rpartition(" ")
        found.append({"type": kind, "name": name, "label": name})
    return [{"type": row["type"]} if row["name"] == "-" else row for row in found]


WATER: dict[str, Any] = {
    "survey": rows(
        """
        date visited
        begin group point
          text name
          text code
          geopoint location
        end group -
        begin group state
          select_one works works
          integer litres
          integer users
          text remark
        end group -
        begin repeat keepers
          text keeper_name
        end repeat -
        """
    ),
    "choices": [{"list_name": "works", "name": n, "label": n} for n in ("yes", "no", "partly")],
    "settings": [{"form_id": "water_point_visit", "version": "2026020100", "form_title": "W"}],
}
RECEPTION: dict[str, Any] = {
    "survey": rows(
        """
        end end
        begin group place
          text camp
          geopoint position
        end group -
        begin group family
          integer size
          decimal score
          date arrived
        end group -
        begin group people
          begin repeat person
            text name
            select_one role role
            select_one sex sex
            text born
            begin group contact
              text phone
            end group -
            select_multiple difficulty difficulty
          end repeat -
        end group -
        """
    ),
    "choices": [
        {"list_name": "role", "name": "head", "label": "head"},
        {"list_name": "sex", "name": "f", "label": "f"},
        {"list_name": "difficulty", "name": "walking", "label": "walking"},
    ],
    "settings": [{"form_id": "aReceptionFamilies", "version": "4", "form_title": "R"}],
}


def instance(form: dict[str, Any]) -> etree._Element:
    """The empty submission that the form's compiled XForm holds."""
    document = etree.fromstring(convert(xlsform=form).xform.encode())
    return next(document.iter("{http://www.w3.org/2002/xforms}instance"))[0]


def paths(element: etree._Element, above: str = "") -> Iterator[str]:
    for child in element:
        path = f"{above}/{etree.QName(child).localname}"
        yield path
        yield from paths(child, path)


def rendered(adapter: Adapter, folder: Path) -> bytes:
    plan = read_mapping(folder / "mapping.yaml")
    return write(
        adapter, read(adapter, (folder / "submission.xml").read_bytes(), plan).records, plan
    ).content


CASES = [
    pytest.param(Odk(), ODK, WATER, id="odk"),
    pytest.param(KoboXml(), KOBO, RECEPTION, id="kobo.xml"),
]


@pytest.mark.parametrize(("adapter", "folder", "form"), CASES)
def test_every_node_we_write_is_a_node_of_the_form(adapter, folder, form):
    empty = instance(form)

    written = etree.fromstring(rendered(adapter, folder))

    assert (written.get("id"), written.get("version")) == (empty.get("id"), empty.get("version"))
    assert etree.QName(written).localname == etree.QName(empty).localname == "data"
    foreign = {*paths(written)} - {*paths(empty)}
    assert foreign == set()
    assert "/meta/instanceID" in {*paths(written)} & {*paths(empty)}


@pytest.mark.parametrize(("adapter", "folder", "form"), CASES)
def test_repeats_stand_where_the_form_has_them(adapter, folder, form):
    empty = instance(form)
    repeats = {
        "/" + "/".join(path.split("/")[2:])
        for path in etree.fromstring(convert(xlsform=form).xform.encode()).xpath(
            "//*[local-name()='repeat']/@nodeset"
        )
    }

    written = [*paths(etree.fromstring(rendered(adapter, folder)))]

    several = {path for path in written if written.count(path) > 1}
    assert all(any(f"{path}/".startswith(f"{one}/") for one in repeats) for path in several)
    assert repeats <= {*paths(empty)}


def test_a_node_the_form_does_not_have_would_be_noticed():
    form = {**WATER, "survey": [row for row in WATER["survey"] if row.get("name") != "litres"]}

    foreign = {*paths(etree.fromstring(rendered(Odk(), ODK)))} - {*paths(instance(form))}

    assert foreign == {"/state/litres"}
