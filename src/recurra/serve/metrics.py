"""What a server counts, for Prometheus."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    generate_latest,
)

Reason = Literal["key", "rate", "sessions", "queue", "size", "input", "busy", "slow", "store"]
Kind = Literal["inputs", "frames"]
SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 60.0)
ROWS = tuple(float(2**n) for n in range(11))
BYTES = tuple(float(4**n) for n in range(4, 13))


class Metrics:
    """The counts of one server, in a registry of its own.

    Labels are models, templates of routes, statuses and reasons: few, and none is a client's text.
    """

    media_type = CONTENT_TYPE_LATEST

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        model, kinds = ["model"], ["model", "kind"]
        self._requests = self._count("requests", "Requests answered", ["route", "status"])
        self._request = self._spread("request_seconds", "Of a request", ["route"], SECONDS)
        self._streams = self._count("streams", "Streams closed, by their code", [*model, "code"])
        self._refused = self._count("refused", "What was turned away", ["reason"])
        self._predict = self._spread(
            "predict_seconds", "Of inputs, waiting included", model, SECONDS
        )
        self._frame = self._spread("frame_seconds", "Of frames, waiting included", model, SECONDS)
        self._frames = self._count("frames", "Frames taken", model)
        self._inputs = self._count("inputs", "Inputs answered", model)
        self._batch = self._spread("batch_rows", "Rows that were computed together", kinds, ROWS)
        self._queue = self._level("queue", "What waits", kinds)
        self._sessions = self._level("sessions", "Sessions in memory", model)
        self._bytes = self._level("session_bytes", "Memory of their states", model)
        self._stored = self._count("sessions_stored", "Sessions put away", model)
        self._resumed = self._count("sessions_resumed", "Sessions that came back", model)
        self._state = self._spread("state_bytes", "Size of a stored state", model, BYTES)
        self._store = self._count("store_errors", "Calls that the store failed", [])

    def requested(self, route: str, status: int, seconds: float) -> None:
        """Count a request that was answered."""
        self._requests.labels(route, str(status)).inc()
        self._request.labels(route).observe(seconds)

    def streamed(self, model: str, code: int) -> None:
        """Count a stream that was closed."""
        self._streams.labels(model, str(code)).inc()

    def refused(self, reason: Reason) -> None:
        """Count what was turned away."""
        self._refused.labels(reason).inc()

    def predicted(self, model: str, seconds: float, inputs: int = 1) -> None:
        """Count a request for answers of so many inputs."""
        self._predict.labels(model).observe(seconds)
        self._inputs.labels(model).inc(inputs)

    def answered(self, model: str, seconds: float, frames: int = 1) -> None:
        """Count a message of frames that was answered."""
        self._frame.labels(model).observe(seconds)
        self._frames.labels(model).inc(frames)

    def batch(self, model: str, rows: int, kind: Kind = "inputs") -> None:
        """Count rows that were computed together."""
        self._batch.labels(model, kind).observe(rows)

    def queue(self, model: str, length: int, kind: Kind = "inputs") -> None:
        """Say how many wait now."""
        self._queue.labels(model, kind).set(length)

    def sessions(self, model: str, count: int, size: int) -> None:
        """Say how many sessions are in memory now, and the bytes of all their states."""
        self._sessions.labels(model).set(count)
        self._bytes.labels(model).set(size)

    def stored(self, model: str, size: int) -> None:
        """Count a session that was put away, in so many bytes."""
        self._stored.labels(model).inc()
        self._state.labels(model).observe(size)

    def resumed(self, model: str) -> None:
        """Count a session that came back."""
        self._resumed.labels(model).inc()

    def store_error(self) -> None:
        """Count a call that the store failed."""
        self._store.inc()

    def text(self) -> bytes:
        """Return all of it as Prometheus reads it (`media_type`)."""
        return generate_latest(self.registry)

    def _count(self, name: str, told: str, labels: Sequence[str]) -> Counter:
        return Counter(f"recurra_{name}", told, labels, registry=self.registry)

    def _level(self, name: str, told: str, labels: Sequence[str]) -> Gauge:
        return Gauge(f"recurra_{name}", told, labels, registry=self.registry)

    def _spread(
        self, name: str, told: str, labels: Sequence[str], buckets: Sequence[float]
    ) -> Histogram:
        own = self.registry
        return Histogram(f"recurra_{name}", told, labels, registry=own, buckets=buckets)
