"""Invented households as Kobo submissions, the same for the same seed."""

import random
from typing import Any

import orjson

GIVEN = {
    "female": ("فاطمة", "Amélie", "Xaawo", "Zoé", "مريم", "Nadège", "Ifrah", "Salma"),
    "male": ("عمر", "Étienne", "Cabdi", "Loïc", "يوسف", "Mahad", "Jérôme", "Idris"),
}
FAMILY = ("حسن", "Lefèvre", "Maxamed", "N’Diaye", "علي", "Brûlé", "Warsame", "Haddad")
ASKED = (
    ("living_conditions_questions/living_situation_h_f", "camps"),
    ("wash_questions/water_source_h_f", "piped_water"),
    ("wash_questions/score_total", "40"),
    ("monthly_income_questions/total_inc_h_f", "0"),
    ("food_security_questions/FCS_h_f", "NaN"),
    ("health_questions/pregnant_member_h_c", "0"),
)


def submission(random_: random.Random, number: int) -> dict[str, Any]:
    """One submission of about 1.6 kB: a household, and one member in it with full answers."""
    family = random_.choice(FAMILY)
    members = [_member(random_, family, n) for n in range(1, random_.randint(1, 2) + 1)]
    uuid = f"{random_.getrandbits(128):032x}"
    uuid = "-".join((uuid[:8], uuid[8:12], uuid[12:16], uuid[16:20], uuid[20:]))
    return {
        "_id": 100_000 + number,
        "formhub/uuid": "b83407aca1d647a5bf65a3383ee761d4",
        "start": "2026-06-03T14:59:08.962+02:00",
        "household_location/country_h_c": "SOM",
        "household_location/admin1_h_c": "SO25",
        "household_location/admin2_h_c": "SO2502",
        "household_location/address_h_c": f"Row {random_.randint(1, 90)}",
        "household_location/hh_geopoint_h_c": f"2.{random_.randint(100, 999)} 42.2 0 5",
        "household_status/residence_status_h_c": "idp",
        "household_status/size_h_c": str(len(members) + random_.randint(0, 3)),
        "consent/consent_h_c": "1",
        **dict(ASKED),
        "individual_questions": members,
        "meta/instanceID": f"uuid:{uuid}",
        "_uuid": uuid,
        "_submission_time": "2026-06-03T13:05:10",
        "_attachments": [],
        "_geolocation": [2.3, 42.2],
    }


def _member(random_: random.Random, family: str, number: int) -> dict[str, str]:
    sex = random_.choice(("female", "male"))
    given = random_.choice(GIVEN[sex])
    answers = {
        "relationship_i_c": "head" if number == 1 else "son_daughter",
        "full_name_i_c": f"{given} {family}",
        "given_name_i_c": given,
        "family_name_i_c": family,
        "gender_i_c": sex,
        "birth_date_i_c": f"{random_.randint(1940, 2024)}-0{random_.randint(1, 9)}-1{number}",
        "marital_status_i_c": "single",
        "phone_no_i_c": f"+25261{random_.randint(0, 9_999_999):07d}",
        "birth_certificate_no_i_c": f"0{random_.randint(0, 9_999_999):07d}",
    }
    where = "individual_questions/individual_details/"
    return {where + name: value for name, value in answers.items()}


def page(count: int, seed: int = 1) -> bytes:
    """`count` submissions as the API's page."""
    random_ = random.Random(seed)
    found = [submission(random_, number) for number in range(count)]
    return orjson.dumps({"count": count, "next": None, "previous": None, "results": found})
