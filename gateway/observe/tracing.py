"""Traces, where `observe.traces_url` names a collector: `pip install corridor[otel]`.

Off, nothing of OpenTelemetry is imported. A caller's `traceparent` (W3C Trace Context) is taken
up, so that its trace and ours are one; its `tracestate` and baggage are not, for they may carry
anything. Spans hold words of ours, ids of transfers and requests, and no value.
"""

from collections.abc import Iterable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from gateway.errors import OfficerError

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SpanExporter

    from gateway.settings import Settings

    Begun = tuple[Any, Any]
    """A span, and what made it current."""

_provider: "TracerProvider | None" = None
_tracer: Any = None

FLUSH_MS = 3000


def on() -> bool:
    """Whether spans are made."""
    return _tracer is not None


def start(settings: "Settings", exporter: "SpanExporter | None" = None) -> None:
    """Make spans from now on, if the settings name a collector.

    Raises `OfficerError` (`observe.otel_missing`) where the packages are not installed: an
    operator who wants traces must not believe in them for a year.
    """
    global _provider, _tracer
    url = settings.observe.traces_url
    if not url and exporter is None:
        return
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
        from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased
    except ImportError:
        raise OfficerError(
            "traces need `pip install corridor[otel]`",
            rule="observe.otel_missing",
            at="observe.traces_url",
        ) from None
    share = TraceIdRatioBased(settings.observe.traces_share)
    # Whoever calls must not decide how much we write: a remote parent counts like none.
    sampler = ParentBased(share, remote_parent_sampled=share, remote_parent_not_sampled=share)
    named = {"service.name": "corridor", "service.instance.id": settings.gateway.name}
    # Not `Resource.create`, which adds what the environment says.
    _provider = TracerProvider(resource=Resource(named), sampler=sampler, shutdown_on_exit=False)
    to = exporter or OTLPSpanExporter(endpoint=url)
    _provider.add_span_processor(BatchSpanProcessor(to))
    _tracer = _provider.get_tracer("corridor")


def stop() -> None:
    """Hand over what was made, and make no more."""
    global _provider, _tracer
    provider, _provider, _tracer = _provider, None, None
    if provider is not None:
        with suppress(Exception):  # a collector that is gone must not keep a gateway from stopping
            provider.force_flush(FLUSH_MS)
        provider.shutdown()


def begin(name: str) -> "Begun":
    """A span below the current one, made current."""
    from opentelemetry import trace
    from opentelemetry.context import attach

    span = _tracer.start_span(name)
    return span, attach(trace.set_span_in_context(span))


def begin_request(name: str, headers: Iterable[tuple[bytes, bytes]]) -> "Begun":
    """A span for a request, below the caller's own where it sent one `traceparent`."""
    from opentelemetry import trace
    from opentelemetry.context import Context, attach
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    said = [value.decode("latin-1") for key, value in headers if key == b"traceparent"]
    around = Context()
    if len(said) == 1:
        around = TraceContextTextMapPropagator().extract({"traceparent": said[0]}, around)
    span = _tracer.start_span(name, context=around, kind=trace.SpanKind.SERVER)
    return span, attach(trace.set_span_in_context(span, around))


def mark(**words: str | int) -> None:
    """Say something of the current span: words and ids of ours."""
    if _tracer is not None:
        from opentelemetry import trace

        trace.get_current_span().set_attributes(words)


def end(begun: "Begun", error: BaseException | None = None, name: str = "") -> None:
    """End a span. Of an error its type and rule: its text may quote."""
    from opentelemetry.context import detach
    from opentelemetry.trace import StatusCode

    span, token = begun
    if name:
        span.update_name(name)
    if error is not None:
        span.set_status(StatusCode.ERROR)
        span.set_attribute("error.type", getattr(error, "rule", type(error).__name__))
    span.end()
    detach(token)
