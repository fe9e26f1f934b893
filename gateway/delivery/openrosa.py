"""One submission, as OpenRosa servers take it: Kobo, Ona, ODK Central, CommCare's receiver.

    POST /submission, multipart, the part `xml_submission_file`

201 is a success unless the message says `submit_error`, as CommCare does. 202 is a duplicate, all
alike. 409 is another submission of the same instance: what is there stays.
"""

import re
from email.utils import formatdate
from http import HTTPStatus

import httpx

from gateway.adapter import Outcome
from gateway.delivery.parcel import Parcel
from gateway.delivery.told import Told, fault, refused, settled

XML = ("text/xml", "application/xml")
_NATURE = re.compile(rb"""<message[^>]{0,200}\bnature\s*=\s*["']([a-z_]{0,60})["']""")
_GOOD = ("", "submit_success")


async def push(client: httpx.AsyncClient, parcel: Parcel) -> Told:
    """Post the one submission."""
    if parcel.media_type not in XML:
        return refused("push.format", begun=False)
    answer = await client.post(
        path(parcel),
        files={"xml_submission_file": ("submission.xml", parcel.content, "text/xml")},
        headers={"X-OpenRosa-Version": "1.0", "Date": formatdate(usegmt=True)},
    )
    if answer.status_code == HTTPStatus.CONFLICT:
        return refused("push.conflict", [Outcome(0, "refused", "409")])
    if told := fault(answer):
        return told
    if answer.status_code not in (HTTPStatus.CREATED, HTTPStatus.ACCEPTED):
        return settled([Outcome(0, "unknown", str(answer.status_code))])
    found = _NATURE.search(answer.content[:65_536])
    nature = found[1].decode() if found else ""
    if nature not in _GOOD:
        return settled([Outcome(0, "refused", nature)])
    return settled([Outcome(0, "accepted", str(answer.status_code))])


def path(parcel: Parcel) -> str:
    """Where submissions go, below the registered address."""
    system = parcel.endpoint["system"]
    if system == "odk" and (project := parcel.option("project")):
        return f"v1/projects/{project}/submission"
    if system == "commcare":
        return f"a/{parcel.option('domain')}/receiver/api/"
    return parcel.option("path", "submission")
