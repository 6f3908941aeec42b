"""What the server counts about itself, for a monitor; the only file that knows Prometheus.

One object an application, with a registry of its own: nothing here is global. Values are numbers
and labels are words of ours (routes as patterns, codes, commands): never a key, never what somebody
sent. What counts may be called from any thread, costs about a microsecond, and raises nothing.
"""

from __future__ import annotations

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

Reading = Callable[[], float]
OTHER = "other"
MOST_CODES = 64  # distinct refusal codes; the code base has about 20
COMMANDS = ("step", "seek", "change", "undo", "show", "play", "pause", "cancel")
# known: answered from the replies kept, not done again; failed: a fault of ours.
OUTCOMES = ("done", "known", "refused", "computing", "cancelled", "failed")
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
COMMIT_SECONDS = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5)
BATCH_EVENTS = (1, 2, 4, 8, 16, 32, 64, 128, 256)
REQUEST_SECONDS = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
# What is read at the moment somebody asks: the name of a reading, of its metric, and what it means.
READINGS = {
    "sessions": ("retrace_sessions_resident", "Sessions in memory"),
    "sockets": ("retrace_sockets_open", "WebSockets that are open"),
    "writer_age": ("retrace_store_queue_age_seconds", "Age of the oldest write that waits"),
    "store_bytes": ("retrace_store_bytes", "Bytes that the store uses, its log not counted"),
    "viewer_age": ("retrace_viewer_queue_age_seconds", "Age of the oldest message for a viewer"),
}


class Metrics:
    """Counters and readings of one application."""

    def __init__(self) -> None:
        registry = self._registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        self._readings = {name: Gauge(*told, registry=registry) for name, told in READINGS.items()}
        self._steps = Counter("retrace_steps_computed", "Steps computed", registry=registry)
        self._sent = Counter("retrace_frames_sent", "Frames sent to viewers", registry=registry)
        self._dropped = Counter(
            "retrace_frames_dropped", "Frames left out for a newer one", registry=registry
        )
        self._commands = Counter(
            "retrace_commands", "Commands by outcome", ["command", "outcome"], registry=registry
        )
        self._refusals = Counter(
            "retrace_refusals", "Requests and commands refused", ["code"], registry=registry
        )
        self._codes: set[str] = set()
        self._add_store(registry)
        self._add_requests(registry)

    def _add_store(self, registry: CollectorRegistry) -> None:
        self._commits = Histogram(
            "retrace_store_commit_seconds",
            "Time of a transaction of the store, commit included",
            buckets=COMMIT_SECONDS,
            registry=registry,
        )
        self._batches = Histogram(
            "retrace_store_batch_events",
            "Writes that one transaction held",
            buckets=BATCH_EVENTS,
            registry=registry,
        )

    def _add_requests(self, registry: CollectorRegistry) -> None:
        self._requests = Counter(
            "retrace_http_requests",
            "HTTP requests by the pattern of their route",
            ["method", "route", "status"],
            registry=registry,
        )
        self._request_seconds = Histogram(
            "retrace_http_request_seconds",
            "Time until an HTTP answer was handed over whole",
            ["method", "route"],
            buckets=REQUEST_SECONDS,
            registry=registry,
        )

    def watch(self, **readings: Reading) -> None:
        """Read these at each look, in the thread that looks; KeyError names an unknown reading."""
        for name, reading in readings.items():
            if name not in self._readings:
                raise KeyError(f"{name}: expected one of {', '.join(READINGS)}")
            self._readings[name].set_function(reading)

    def steps_computed(self, steps: int) -> None:
        self._steps.inc(steps)

    def frame_sent(self) -> None:
        self._sent.inc()

    def frame_dropped(self, count: int = 1) -> None:
        """Count states that a viewer never gets, since a newer one came before they were sent."""
        self._dropped.inc(count)

    def command(self, what: str, outcome: str) -> None:
        """Count one of COMMANDS with one of OUTCOMES; whatever else counts as `other`."""
        known = what if what in COMMANDS else OTHER
        self._commands.labels(known, outcome if outcome in OUTCOMES else OTHER).inc()

    def refused(self, code: str) -> None:
        """Count a refusal by its code; beyond MOST_CODES distinct ones the new ones are `other`."""
        if len(self._codes) < MOST_CODES:
            self._codes.add(code)
        self._refusals.labels(code if code in self._codes else OTHER).inc()

    def committed(self, seconds: float, events: int) -> None:
        """Note a transaction of the store: how long it took, and how many writes it held."""
        self._commits.observe(seconds)
        self._batches.observe(events)

    def request(self, method: str, route: str, status: int, seconds: float) -> None:
        """Note an HTTP answer; `route` is a pattern such as /s/{session_id}."""
        known = method if method in METHODS else OTHER
        self._requests.labels(known, route, str(status)).inc()
        self._request_seconds.labels(known, route).observe(seconds)

    def exposition(self) -> tuple[bytes, str]:
        """Return everything as text, and that text's media type."""
        return generate_latest(self._registry), CONTENT_TYPE_LATEST
