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
    head_limit_bytes: int = Field(default=16_384, ge=1024, le=1_048_576)
    """Request line and headers together; more is refused."""
    head_limit_headers: int = Field(default=64, ge=8, le=1000)
    """Headers of a request; more are refused."""
    head_seconds: float = Field(default=10.0, gt=0, le=600)
    """A request's head must be complete by then, counted from its first byte, and a new
    connection must have begun one."""
    body_stall_seconds: float = Field(default=30.0, gt=0, le=3600)
    """Over each such stretch a body must keep `body_bytes_per_second`; a recipient that takes
    nothing of an answer for as long is cut off."""
    body_bytes_per_second: int = Field(default=64, ge=1)
    """The slowest body that is waited for. Low, for satellite links; not for attackers."""
    connections: int = Field(default=2000, ge=8)
    """Connections at once; more are answered 503."""
    connections_per_address: int = Field(default=500, ge=4)
    """Of these from one address. A proxy is one address: raise it behind one."""
    drain_seconds: float = Field(default=3.0, ge=0, le=600)
    """After SIGTERM, how long `/readyz` says no while requests are still answered, so that
    balancers look elsewhere first."""
    shutdown_seconds: int = Field(default=30, ge=1, le=3600)
    """Then, how long requests under way may take before they are cut off."""


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

    public_url: str = Field(default="", pattern=r"^(https?://[a-z0-9.-]+(:[0-9]{1,5})?)?$")
    """Address partners use, such as `https://gw.example.org`: what they sign, and whom tokens are
    for. Empty: only the address the server itself listens on, as in trials."""
    clock_skew_seconds: int = Field(default=60, ge=1, le=300)
    """How far the moment in a signature, proof or assertion may be from ours."""
    token_seconds: int = Field(default=300, ge=30, le=3600)
    """How long an access token is good for."""
    trusted_proxies: list[str] = Field(default=[], max_length=50)
    """Networks (CIDR) of proxies that are believed in `X-Forwarded-For`, `X-Forwarded-Proto` and
    `Client-Cert`. They must remove these headers from what reaches them."""
    tls_certificate: str = ""
    """File (PEM, in the deployment's folder) to serve TLS with. Empty: plain HTTP."""
    tls_key: str = ""
    """File of its private key."""
    tls_client_ca: str = ""
    """File of the authorities whose client certificates are asked for. Empty: none are."""


class LimitSettings(_Section):
    """What one party, and one request, may use. Rates and requests at once count in each
    process; quotas in all of them together."""

    concurrent: int = Field(default=512, ge=1)
    """Requests under way at once; more are answered 503 before their body is read."""
    concurrent_per_party: int = Field(default=256, ge=1)
    """Of these by one party; more are answered 429."""
    requests_per_second: int = Field(default=100, ge=0)
    """Requests of one party. Twice as many may come at once. 0: no limit."""
    address_per_second: int = Field(default=500, ge=0)
    """Requests from one address (IPv6: one /64), before anybody asks who it is. Twice as many
    may come at once. 0: no limit."""
    wrong_keys_per_minute: int = Field(default=60, ge=0)
    """Requests from one address that were answered 401. 0: no limit."""
    transfers_per_day: int = Field(default=0, ge=0)
    """Transfers and previews of one party in a day (UTC). 0: no limit."""
    bytes_per_day: int = Field(default=0, ge=0)
    """Bytes of their bodies. 0: no limit."""


class DeliverySettings(_Section):
    """Pushing to partners' systems, and asking them."""

    timeout_seconds: float = Field(default=30.0, gt=0, le=600)
    """How long one step may take: to connect, and between two pieces of an answer."""
    total_seconds: float = Field(default=120.0, gt=0, le=3600)
    """How long one request and its whole answer may take."""
    answer_limit_bytes: int = Field(default=16_777_216, ge=1024)
    """A longer answer is not read on."""
    max_attempts: int = Field(default=20, ge=1, le=1000)
    """Pushes that fail so often become dead letters."""
    backoff_seconds: float = Field(default=2.0, gt=0, le=3600)
    """Before the second attempt, at most; twice as long before each one after it."""
    backoff_max_seconds: float = Field(default=900.0, gt=0, le=86_400)
    """Longest wait between two attempts."""
    breaker_failures: int = Field(default=5, ge=1, le=1000)
    """After so many failures in a row an address is left alone for a while."""
    breaker_seconds: float = Field(default=60.0, gt=0, le=86_400)
    """How long it is left alone before one push tries it again."""
    concurrency: int = Field(default=64, ge=1, le=1000)
    """Pushes under way at once, to all addresses together."""
    lease_seconds: float = Field(default=30.0, ge=0.5, le=3600)
    """After this time another gateway takes over what one that died was pushing."""


class BulkSettings(_Section):
    """Large payloads."""

    workers: int = Field(default=0, ge=0, le=64)
    """Processes that work on large payloads. 0: one for each core."""
    part_bytes: int = Field(default=524_288, ge=1024, le=8_388_608)
    """A payload is cut into parts of about this size, where its format allows."""
    body_limit_bytes: int = Field(default=4_294_967_296, ge=1024)
    """A larger body of a transfer is refused, whatever it was packed with; one that says its
    length before it is read."""
    job_bytes: int = Field(default=16_777_216, ge=1024)
    """A larger payload is answered 202 at once, and worked on after that."""
    expansion: int = Field(default=200, ge=2, le=5000)
    """How many times its packed size a gzip or zstd body may have. More is a bomb."""
    free_bytes: int = Field(default=536_870_912, ge=0)
    """Space that must stay free on the disk while a payload is taken in."""
    jobs: int = Field(default=2, ge=1, le=64)
    """Jobs under way at once in each process."""
    open_jobs_per_party: int = Field(default=20, ge=1)
    """Jobs of one party that may wait or be under way; more are answered 429."""
    lease_seconds: int = Field(default=30, ge=2, le=3600)
    """A job whose process says nothing for so long is taken up by another one."""
    folder: str = ""
    """Where payloads of jobs and large content are sealed. Gateways on one log that see the same
    folder can finish each other's jobs. No other log may use it. Empty: `data/`."""
    engine: Literal["local", "nats"] = "local"
    """`local`: parts are worked on by processes of this gateway. `nats`: by `corridor work` on any
    machine, through NATS JetStream; payloads that one process can do alone stay here."""
    nats_url: str = Field(default="", pattern=r"^((nats|tls)://[^@/\s]+)?$")
    """The NATS server, for example `tls://nats.example:4222`."""
    nats_token: str = ""
    """Name of the server's token in `keys/secrets.json`; empty where it asks for none."""
    nats_parts: int = Field(default=8, ge=1, le=1024)
    """Parts of one payload under way at once: about two for each worker."""


class ObserveSettings(_Section):
    """What can be seen from outside of how the gateway does."""

    metrics_port: int = Field(default=0, ge=0, le=65535)
    """Port of an address of its own for `/metrics`, without TLS and without keys: for a network
    that only monitoring reaches. 0: none."""
    metrics_host: str = "127.0.0.1"
    """Address it listens on."""
    metrics_secret: str = Field(default="", pattern=r"^[a-z0-9][a-z0-9._-]{0,62}$|^$")
    """Name in `keys/secrets.json` of the bearer key that opens `/metrics` on the API's own
    address. Empty: it is not there."""
    party_labels: bool = False
    """Whether metrics of deliveries name the recipient. Organisations, never people; but who
    works with whom may be nobody's business."""
    traces_url: str = Field(default="", pattern=r"^(https?://[^\s@]+)?$")
    """Where traces go: OTLP over HTTP, `https://collector.example/v1/traces`. Needs
    `corridor[otel]`. Empty: no traces."""
    traces_share: float = Field(default=1.0, ge=0, le=1)
    """The share of requests that are traced."""
    min_free_bytes: int = Field(default=268_435_456, ge=0)
    """With less room for `data/`, `/readyz` says no."""


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
