"""Which area lies in which is looked up, never cut out of a code."""

import pytest

from gateway.errors import OfficerError
from gateway.places import Places, read_places

HEAD = "Location,Admin Level,P-Code,Name,Parent P-Code\n"
DATED = "Location,Admin Level,P-Code,Name,Parent P-Code,Valid from date\n"
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


IRREGULAR = """\
Location,Admin Level,P-Code,Name,Parent P-Code,Valid from date
TUR,1,TUR001,A,TUR,2019-01-01
LSO,1,LSA,B,LSO,2019-01-01
IRQ,1,IQG18,C,IRQ,2019-01-01
IRQ,2,IQG18Q04,D,IQG18,2019-01-01
IRQ,2,IRQ-G01Q01,as another organisation writes it,IQG18,2019-01-01
MMR,2,MMR018D001,E,MMR018,2019-01-01
MMR,1,MMR018,F,MMR,2019-01-01
KGZ,1,KG02000000000,G,KGZ,2019-01-01
KGZ,2,KG02210000000,H,KG02000000000,2019-01-01
TJK,1,3501000,I,TJK,2019-01-01
TJK,2,3507211,J,3501000,2019-01-01
SOM,1,SO22,K,SOM,2019-01-01
SOM,2,Unspecified,L,SO22,2019-01-01
"""


@pytest.mark.parametrize(
    ("code", "level", "found"),
    [
        ("TUR001", 0, "TUR"),
        ("LSA", 1, "LSA"),
        ("LSA", 0, "LSO"),
        ("IQG18Q04", 1, "IQG18"),
        ("IRQ-G01Q01", 1, "IQG18"),
        ("irqg01q01", 1, "IQG18"),
        ("iq-g18-q04", 0, "IRQ"),
        ("MMR018D001", 1, "MMR018"),
        ("KG02210000000", 1, "KG02000000000"),
        ("3507211", 1, "3501000"),
        ("3507211", 0, "TJK"),
        ("Unspecified", 1, "SO22"),
        # Its first characters are those of an area of the table. That says nothing.
        ("IQG18Q05", 1, None),
        ("3501001", 1, None),
        ("SO2201", 1, None),
        ("02210000000", 1, None),
    ],
)
def test_a_code_of_any_shape_is_looked_up(tmp_path, code, level, found):
    (tmp_path / "a.csv").write_text(IRREGULAR, encoding="utf-8")

    assert read_places(tmp_path).ancestor(code, level) == found


def test_letter_case_and_hyphens_only_count_for_matching(tmp_path):
    (tmp_path / "a.csv").write_text(IRREGULAR, encoding="utf-8")
    places = read_places(tmp_path)

    assert places.level("irq-g01q01") == 2
    assert places.ancestor("irq-g01q01", 2) == "irq-g01q01"
    assert places.ancestor("iq-g18-q04", 1) == "IQG18"


@pytest.mark.parametrize("rows", [("2019-01-01", "2024-05-01"), ("2024-05-01", "2019-01-01")])
def test_the_later_of_two_parents_counts(tmp_path, rows):
    parent = {"2019-01-01": "SO1", "2024-05-01": "SO2"}
    text = "".join(f"SOM,2,SO9,A,{parent[day]},{day}\n" for day in rows)
    (tmp_path / "a.csv").write_text(DATED + text, encoding="utf-8")

    assert read_places(tmp_path).areas == {"SO9": (2, "SO2")}


def test_the_whole_published_table_is_read(samples, tmp_path):
    table = samples("ocha-3w-cod/open/download-global-pcodes-adm-1-2.csv")
    (tmp_path / "global.csv").write_bytes(table.read_bytes())
    places = read_places(tmp_path)

    rows = table.read_text(encoding="utf-8-sig").splitlines()[2:]
    assert len(places.areas) == len(rows) > 33_000
    second = [code for code, (level, _) in places.areas.items() if level == 2]
    lost = [code for code in second if places.ancestor(code, 1) != places.areas[code][1]]
    assert lost == []
    odd = [code for code in second if not code.startswith(places.areas[code][1])]
    assert len(odd) == 133


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
        (f"{HEAD}SOM,1,A-1,A,SOM\nSOM,1,a1,A,SOM\n", "places.twice", "a.csv, line 3"),
        (
            f"{DATED}SOM,2,A,A,B,2024-01-01\nSOM,2,A,A,C,2024-01-01\n",
            "places.twice",
            "a.csv, line 3",
        ),
        (f"{DATED}SOM,2,A,A,B,\nSOM,2,A,A,C,2024-01-01\n", "places.twice", "a.csv, line 3"),
        (f"{DATED}SOM,2,A,A,B,2024-01-01\nSOM,2,A,A,C,\n", "places.twice", "a.csv, line 3"),
        (f"{DATED}SOM,2,A,A,B,1 May 2024\n", "places.date", "a.csv, line 2"),
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
