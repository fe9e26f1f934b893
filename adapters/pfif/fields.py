"""The elements of PFIF 1.4 and the canonical fields they are; older names beside them."""

from collections.abc import Mapping
from dataclasses import dataclass

from adapters.pfif.values import (
    BOOLEAN,
    COUNTRY,
    DATE,
    EMAIL,
    LINES,
    PHONE,
    PHOTO,
    RECORD_ID,
    SEX,
    STATUS,
    TEXT,
    TIME,
    Kind,
)

ATOM = "http://www.w3.org/2005/Atom"
NAMESPACE = "http://zesty.ca/pfif/"
"""The version follows: the namespace is the only place where it stands."""

LATEST = f"{NAMESPACE}1.4"
VERSIONS = ("1.1", "1.2", "1.3", "1.4")
WITHOUT_FULL_NAME = ("1.1", "1.2")


@dataclass(frozen=True, slots=True)
class Item:
    """One element."""

    element: str
    field: str
    kind: Kind
    needed: bool = False
    """The schema of PFIF 1.4 requires it."""
    empty: bool = False
    """Where it is needed, it may hold nothing."""


PERSON = (
    Item("person_record_id", "record_id", RECORD_ID, needed=True),
    Item("entry_date", "entry_date", TIME),
    Item("expiry_date", "expiry_date", TIME),
    Item("author_name", "author_name", TEXT),
    Item("author_email", "author_email", EMAIL),
    Item("author_phone", "author_phone", PHONE),
    Item("source_name", "source_name", TEXT),
    Item("source_date", "source_date", TIME, needed=True),
    Item("source_url", "source_url", TEXT),
    Item("full_name", "full_name", TEXT, needed=True, empty=True),
    Item("given_name", "given_name", TEXT),
    Item("family_name", "family_name", TEXT),
    Item("alternate_names", "alternate_names", LINES),
    Item("description", "description", TEXT),
    Item("sex", "sex", SEX),
    Item("date_of_birth", "date_of_birth", DATE),
    Item("home_street", "home_street", TEXT),
    Item("home_neighborhood", "home_neighborhood", TEXT),
    Item("home_city", "home_city", TEXT),
    Item("home_state", "home_state", TEXT),
    Item("home_postal_code", "home_postal_code", TEXT),
    Item("home_country", "home_country", COUNTRY),
    Item("photo_url", "photo_url", PHOTO),
    Item("profile_urls", "profile_urls", LINES),
)
"""`age` is not among them: it needs the day of `source_date`."""

NOTE = (
    Item("note_record_id", "note_record_id", RECORD_ID, needed=True),
    Item("linked_person_record_id", "linked_person_record_id", RECORD_ID),
    Item("entry_date", "entry_date", TIME),
    Item("author_name", "author_name", TEXT, needed=True, empty=True),
    Item("author_email", "author_email", EMAIL),
    Item("author_phone", "author_phone", PHONE),
    Item("source_date", "source_date", TIME, needed=True),
    Item("author_made_contact", "author_made_contact", BOOLEAN),
    Item("status", "status", STATUS),
    Item("text", "text", TEXT, needed=True, empty=True),
    Item("photo_url", "photo_url", TEXT),
)
FOUND = (
    Item("email_of_found_person", "email_of_found_person", EMAIL),
    Item("phone_of_found_person", "phone_of_found_person", PHONE),
    Item("last_known_location", "last_known_location", TEXT),
)
"""Elements of a note that stand apart in a record: the found person must agree to each use."""

ABOUT = Item("person_record_id", "person_record_id", RECORD_ID)
"""In a note: whom it is about."""

OLD: Mapping[str, str] = {
    "first_name": "given_name",
    "last_name": "family_name",
    "home_zip": "home_postal_code",
    "other": "description",
    "found": "author_made_contact",
}
"""Names of PFIF 1.1 to 1.3."""
