"""Which area lies in which is looked up, never cut out of a code."""

import pytest

from gateway.errors import OfficerError
from gateway.places import Places, read_places

HEAD = "Location,Admin Level,P-Code,Name,Parent P-Code\n"
TREE = Places(
    {
        "SO25": (1, "SOM"),
        "SO2502": (2, "SO25"),
        "SO250201": (3, "SO2502"),
        "XX9": (4, "SO250201"),
        "LOOP1": (2, "LOOP2"),
        "LOOP2": (2, "LOOP1"),
        "SKIP": (3, "SO25"),
        "TURNED": (1, "SO2502"),
    }
)


@pytest.mark.parametrize(
    ("code", "level", "found"),
    [
        ("XX9", 4, "XX9"),
        ("XX9", 3, "SO250201"),
        ("XX9", 2, "SO2502"),
        ("XX9", 1, "SO25"),
        ("XX9", 0, "SOM"),
        ("SO25", 1, "SO25"),
        ("SO25", 2, None),
        ("SOM", 0, "SOM"),
        ("SOM", 1, None),
        ("SO2", 0, None),
        ("SO2503", 1, None),
        ("SKIP", 2, None),
        ("SKIP", 1, "SO25"),
        ("LOOP1", 1, None),
        ("TURNED", 2, None),
    ],
)
def test_an_ancestor_is_the_table_s_or_nobody_s(code, level, found):
    assert TREE.ancestor(code, level) == found


def test_the_level_of_a_code_is_the_table_s():
    assert [TREE.level(code) for code in ("SO25", "XX9", "SOM", "?")] == [1, 4, 0, 0]


def test_every_table_of_the_folder_is_one_table(tmp_path):
    (tmp_path / "a.csv").write_text(
        f"\ufeff{HEAD}#country+code,#geo,#adm,#adm,#adm\nSOM,1,SO25,Gedo,SOM\n", encoding="utf-8"
    )
    (tmp_path / "b.csv").write_text(
        f"{HEAD}SOM,2,SO2502,Baardheere,SO25\nSOM,1,SO25,Gedo,SOM\n", encoding="utf-8"
    )
    (tmp_path / "notes.txt").write_text("no table", encoding="utf-8")

    assert read_places(tmp_path).areas == {"SO25": (1, "SOM"), "SO2502": (2, "SO25")}


def test_no_table_knows_no_place(tmp_path):
    assert read_places(tmp_path) == Places({})


@pytest.mark.parametrize(
    ("content", "rule", "at"),
    [
        ("", "places.column", "a.csv"),
        ("Location,P-Code\n", "places.column", "a.csv"),
        (f"{HEAD}SOM,1,,Gedo,SOM\n", "places.row", "a.csv, line 2"),
        (f"{HEAD}SOM,1,SO25,Gedo,\n", "places.row", "a.csv, line 2"),
        (f"{HEAD}SOM,1,SO25\n", "places.row", "a.csv, line 2"),
        (f"{HEAD}SOM,5,SO25,Gedo,SOM\n", "places.row", "a.csv, line 2"),
        (f"{HEAD}SOM,0,SOM,Somalia,WLD\n", "places.row", "a.csv, line 2"),
        (f"{HEAD}SOM,1,A,A,SOM\nSOM,1,A,A,ETH\n", "places.twice", "a.csv, line 3"),
        (f"{HEAD}SOM,1,A,A,SOM\nSOM,2,A,A,SOM\n", "places.twice", "a.csv, line 3"),
        (f'{HEAD}SOM,1,"A"B,A,SOM\n', "places.not_csv", "a.csv"),
        (f'{HEAD}SOM,1,"A', "places.not_csv", "a.csv"),
        (b"\xff\xfe", "places.not_csv", "a.csv"),
    ],
)
def test_a_table_that_is_not_fit_is_refused_with_its_line(tmp_path, content, rule, at):
    (tmp_path / "a.csv").write_bytes(content if isinstance(content, bytes) else content.encode())

    with pytest.raises(OfficerError) as caught:
        read_places(tmp_path)

    assert (caught.value.rule, caught.value.at) == (rule, at)
