"""`corridor.toml`: what is said, what is assumed, what is refused."""

import pytest

from gateway.errors import OfficerError
from gateway.settings import read_settings

GATEWAY = '[gateway]\norigin = "a.example/transfers/1"\n'


@pytest.fixture
def settings(tmp_path):
    def read(text):
        path = tmp_path / "corridor.toml"
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return read_settings(path)

    return read


def test_only_the_origin_must_be_said(settings):
    found = settings(GATEWAY)

    assert found.gateway.name == "gw-1"
    assert (found.policy.engine, found.policy.opa_port, found.policy.timeout_seconds) == (
        "embedded",
        8181,
        2.0,
    )
    assert (found.server.host, found.server.port) == ("127.0.0.1", 8080)
    assert found.server.body_limit_bytes == 32 * 1024 * 1024
    assert found.content.keep_hours == 72


def test_every_setting_can_be_said(settings):
    found = settings(
        f'{GATEWAY}name = "b-2"\n[policy]\nengine = "opa"\nopa_host = "opa"\nopa_port = 1\n'
        "timeout_seconds = 60\n[server]\nhost = '::1'\nport = 0\nbody_limit_bytes = 1024\n"
        "[content]\nkeep_hours = 1\n"
    )

    assert found.gateway.name == "b-2"
    assert (found.policy.engine, found.policy.opa_host, found.policy.timeout_seconds) == (
        "opa",
        "opa",
        60,
    )
    assert (found.server.host, found.server.port, found.content.keep_hours) == ("::1", 0, 1)


@pytest.mark.parametrize(
    ("text", "rule", "place"),
    [
        ("", "settings.missing", "gateway"),
        ("[gateway]", "settings.missing", "gateway.origin"),
        ('[gateway]\norigin = "no-slash"', "settings.string_pattern_mismatch", "gateway.origin"),
        (GATEWAY + 'name = "Big"', "settings.string_pattern_mismatch", "gateway.name"),
        (GATEWAY + "nane = 'x'", "settings.extra_forbidden", "gateway.nane"),
        (GATEWAY + "[poliy]", "settings.extra_forbidden", "poliy"),
        (GATEWAY + '[policy]\nengine = "OPA"', "settings.literal_error", "policy.engine"),
        (GATEWAY + '[policy]\nopa_port = "1"', "settings.int_type", "policy.opa_port"),
        (GATEWAY + "[policy]\nopa_port = true", "settings.int_type", "policy.opa_port"),
        (GATEWAY + "[policy]\nopa_port = 0", "settings.greater_than_equal", "policy.opa_port"),
        (
            GATEWAY + "[policy]\ntimeout_seconds = 0",
            "settings.greater_than",
            "policy.timeout_seconds",
        ),
        (
            GATEWAY + "[policy]\ntimeout_seconds = inf",
            "settings.less_than_equal",
            "policy.timeout_seconds",
        ),
        (
            GATEWAY + "[policy]\ntimeout_seconds = nan",
            "settings.less_than_equal",
            "policy.timeout_seconds",
        ),
        (GATEWAY + "[server]\nport = 65536", "settings.less_than_equal", "server.port"),
        (
            GATEWAY + "[server]\nbody_limit_bytes = 1023",
            "settings.greater_than_equal",
            "server.body_limit_bytes",
        ),
        (
            GATEWAY + "[content]\nkeep_hours = 0",
            "settings.greater_than_equal",
            "content.keep_hours",
        ),
        (
            GATEWAY + "[content]\nkeep_hours = 2161",
            "settings.less_than_equal",
            "content.keep_hours",
        ),
    ],
)
def test_a_setting_that_is_not_fit_is_named(settings, text, rule, place):
    with pytest.raises(OfficerError) as caught:
        settings(text)

    assert (caught.value.rule, caught.value.at) == (rule, f"corridor.toml, {place}")


@pytest.mark.parametrize("text", ["= 1", "a = [", "a = 1\na = 2", b"a = '\xff'"])
def test_what_is_not_toml_is_refused_without_quoting_it(settings, text):
    with pytest.raises(OfficerError) as caught:
        settings(text)

    assert str(caught.value) == "not TOML at corridor.toml"


def test_a_folder_without_settings_names_the_command(tmp_path):
    with pytest.raises(OfficerError, match="corridor init DIR") as caught:
        read_settings(tmp_path / "corridor.toml")

    assert caught.value.rule == "deployment.missing"


def test_settings_cannot_be_changed_afterwards(settings):
    with pytest.raises(ValueError, match="frozen"):
        settings(GATEWAY).server.port = 1
