"""Post one Kobo payload as a transfer and fetch what came of it. Standard library only."""

import json
import os
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
import uuid
from email.message import Message
from pathlib import Path

ADDRESS = os.environ["ADDRESS"]
TERMS = {
    "agreement": "agr:registration-2026",
    "purpose": "hum.assist.registration",
    "format": "kobo",
    "into": "fhir.r4",
}


def ask(method: str, path: str, body: bytes | None = None, **headers: str):
    """Status, headers and body. A busy gateway is asked again: that is why there is a key."""
    headers["Authorization"] = f"Bearer {os.environ['TOKEN']}"
    request = urllib.request.Request(ADDRESS + path, body, headers, method=method)
    for attempt in range(1, 6):
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.status, answer.headers, answer.read()
        except urllib.error.HTTPError as error:
            with error:
                said = error.read()
            if error.code not in (429, 503) or attempt == 5:
                return error.code, error.headers, said
            time.sleep(float(error.headers.get("Retry-After", attempt)))
        except urllib.error.URLError:  # No answer came: it may have been done, or not.
            if attempt == 5:
                raise
            time.sleep(attempt)
    raise AssertionError


def main(payload: Path) -> int:
    """Exit code 0: released and fetched; 1: refused, held or failed."""
    status, headers, body = ask(
        "POST",
        "/v1/transfers?" + urllib.parse.urlencode(TERMS),
        payload.read_bytes(),
        **{"Content-Type": "application/json", "Idempotency-Key": str(uuid.uuid4())},
    )
    if status not in (200, 201):
        print(f"{status}: {reasons(headers, body)}")
        return 1
    where = urllib.parse.urlsplit(headers["Location"]).path
    status, headers, content = ask("GET", f"{where}/content")
    if status != 200:
        print(f"{status}: {reasons(headers, content)}")
        return 1
    receipt = json.loads(body)
    print(f"released {receipt['details']['records']['released']} records")
    print(f"fetched {headers['Content-Type']}: {len(json.loads(content)['entry'])} resources")
    return 0


def reasons(headers: Message, body: bytes) -> str:
    """The rule that was broken, or the rules that policy named."""
    said = json.loads(body)
    if headers["Content-Type"].startswith("application/problem+json"):
        return f"{said['rule']} at {said.get('at', '-')}"
    details = said["details"]
    return ", ".join(one["rule"] for one in [*details["objections"], *details["pending"]])


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
