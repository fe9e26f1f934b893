"""A client that somebody else's generator makes from our OpenAPI document works."""

import importlib
import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from types import ModuleType

import pytest

from gateway.app import create_app
from gateway.demo import served
from gateway.deployment import new_bearer

TERMS = {"agreement": "agr:registration-2026", "purpose": "hum.assist.registration"}


@pytest.fixture(scope="module")
def generated(prepared, tmp_path_factory) -> Iterator[str]:
    """The package, importable as `gateway_client`."""
    place = tmp_path_factory.mktemp("generated")
    document = place / "openapi.json"
    document.write_text(json.dumps(create_app(prepared[0]).openapi()), encoding="utf-8")
    (place / "settings.yml").write_text("post_hooks: []\n")
    subprocess.run(
        [
            *(sys.executable, "-m", "openapi_python_client", "generate", "--meta", "none"),
            *("--path", document, "--config", place / "settings.yml"),
            *("--output-path", place / "gateway_client"),
        ],
        check=True,
        capture_output=True,
        text=True,
        timeout=120,
    )
    sys.path.insert(0, str(place))
    yield "gateway_client"
    sys.path.remove(str(place))
    for name in [one for one in sys.modules if one.startswith("gateway_client")]:
        del sys.modules[name]


def part(package: str, name: str) -> ModuleType:
    return importlib.import_module(f"{package}.{name}")


def test_all_of_it_can_be_imported(generated):
    root = Path(part(generated, "client").__file__).parent
    names = {
        ".".join(path.relative_to(root).with_suffix("").parts)
        for path in root.rglob("*.py")
        if path.stem != "__init__"
    }
    for name in names:
        part(generated, name)

    made = {name.rpartition(".")[2] for name in names if name.startswith("api.")}
    paths = json.loads((root.parent / "openapi.json").read_text())["paths"].values()
    assert made == {one["operationId"] for methods in paths for one in methods.values()}


def test_it_makes_a_transfer(generated, prepared, payload, tmp_path):
    directory = tmp_path / "demo"
    shutil.copytree(prepared[0], directory)
    key = new_bearer(directory, "org:amal-relief")
    upload = part(generated, "types").File(payload=BytesIO(payload))
    with served(directory) as address:
        client = part(generated, "client").AuthenticatedClient(base_url=address, token=key)
        with client:
            make = part(generated, "api.transfers.make_transfer").sync_detailed
            made = make(client=client, body=upload, format_="kobo", **TERMS)
            transfer = made.headers["location"].rpartition("/")[2]
            fetch = part(generated, "api.transfers.take_content").sync_detailed
            content = fetch(transfer, client=client)
            broken = make(
                client=client,
                body=part(generated, "types").File(BytesIO(b"{")),
                format_="kobo",
                **TERMS,
            )

    assert (made.status_code, content.status_code, broken.status_code) == (201, 200, 422)
    assert made.parsed.receipt == "corridor/receipt/v1"
    assert broken.parsed.rule == "json.truncated"
    assert json.loads(content.content)["resourceType"] == "Bundle"
