"""`corridor.toml`: every setting, with its default. Unknown keys are refused."""

import tomllib
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from gateway.errors import OfficerError


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, hide_input_in_errors=True)


class GatewaySettings(_Section):
    """Who this gateway is."""

    name: str = Field(default="gw-1", pattern=r"^[a-z0-9][a-z0-9-]{0,30}$")
    """Instance name in log entries. One for each process that may run at the same time."""
    origin: str = Field(pattern=r"^[a-z0-9.-]+(/[a-z0-9.-]+)+$", max_length=100)
    """Name of the transfer log, as C2SP checkpoints carry it. A new log needs a new one."""


class PolicySettings(_Section):
    """Which engine answers."""

    engine: Literal["embedded", "opa"] = "embedded"
    """`embedded` evaluates in this process; `opa` asks an OPA server, 1.21.3 or newer."""
    opa_host: str = "127.0.0.1"
    """Host of the OPA server."""
    opa_port: int = Field(default=8181, ge=1, le=65535)
    """Port of the OPA server."""
    timeout_seconds: float = Field(default=2.0, gt=0, le=60)
    """No answer by then is a refusal."""


class ServerSettings(_Section):
    """The HTTP API."""

    host: str = "127.0.0.1"
    """Address to listen on. Put a TLS proxy in front before listening anywhere else."""
    port: int = Field(default=8080, ge=0, le=65535)
    """Port to listen on; 0 lets the system choose."""
    body_limit_bytes: int = Field(default=33_554_432, ge=1024)
    """A larger body is refused before it is read."""


class ContentSettings(_Section):
    """Content waiting to be fetched."""

    keep_hours: int = Field(default=72, ge=1, le=24 * 90)
    """Hours after which content nobody fetched is destroyed."""


class AgreementSettings(_Section):
    """Which agreements count."""

    unsigned: Literal["refuse", "allow"] = "refuse"
    """`refuse`: only an agreement that its parties signed and `corridor agreement activate`
    activated. `allow`: what its file says is enough; for demos and trials."""


class LogSettings(_Section):
    """Where the transfer log is kept, and what it asks of others."""

    store: Literal["sqlite", "postgresql"] = "sqlite"
    """`sqlite`: one file in `data/`. `postgresql`: several gateways write one log together."""
    database: str = ""
    """Of PostgreSQL: a connection string of libpq without a password, which belongs into
    `PGPASSFILE`. For example `host=db.example dbname=corridor sslmode=verify-full`."""
    max_unwitnessed_seconds: int = Field(default=0, ge=0, le=30 * 86_400)
    """Nothing is released when the last checkpoint that enough witnesses signed is older than
    this. 0: releases do not wait for witnesses."""
    timestamp_url: str = ""
    """A time stamping authority (RFC 3161) that is asked for a token over checkpoints."""
    subjects: bool = True
    """Whether each record that leaves is committed to singly, and can be found again for the
    person it is about."""


class IdentitySettings(_Section):
    """How partners show who they are."""


class LimitSettings(_Section):
    """What one party, and one request, may use."""


class DeliverySettings(_Section):
    """Pushing to recipients' systems."""


class BulkSettings(_Section):
    """Large payloads."""


class ObserveSettings(_Section):
    """What can be seen from outside of how the gateway does."""


class Settings(_Section):
    """The whole file."""

    gateway: GatewaySettings
    policy: PolicySettings = PolicySettings()
    server: ServerSettings = ServerSettings()
    content: ContentSettings = ContentSettings()
    agreements: AgreementSettings = AgreementSettings()
    log: LogSettings = LogSettings()
    identity: IdentitySettings = IdentitySettings()
    limits: LimitSettings = LimitSettings()
    delivery: DeliverySettings = DeliverySettings()
    bulk: BulkSettings = BulkSettings()
    observe: ObserveSettings = ObserveSettings()


def read_settings(path: Path) -> Settings:
    """Settings of a deployment. Raises `OfficerError` with the setting's name."""
    try:
        return parse_settings(path.read_text(encoding="utf-8"), at=path.name)
    except UnicodeDecodeError:
        raise OfficerError("not TOML", rule="settings.not_toml", at=path.name) from None
    except OSError:
        raise OfficerError(
            "no corridor.toml: `corridor init DIR` makes a deployment",
            rule="deployment.missing",
            at=path.name,
        ) from None


def parse_settings(text: str, *, at: str) -> Settings:
    """The settings a text says. `at` names where it came from in errors."""
    try:
        return Settings.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError:
        raise OfficerError("not TOML", rule="settings.not_toml", at=at) from None
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        place = ".".join(str(step) for step in first["loc"])
        raise OfficerError(
            "a setting is not fit", rule=f"settings.{first['type']}", at=f"{at}, {place}"
        ) from None
