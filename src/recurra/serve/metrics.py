"""What a server counts, for Prometheus."""

from __future__ import annotations

from collections.abc import Callable
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
SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 60.0)
ROWS = tuple(float(2**n) for n in range(11))
BYTES = tuple(float(4**n) for n in range(4, 13))


class Metrics:
    """The counts of one server, in a registry of its own.

    Labels are models, templates of routes, states and reasons: few, and none is a client's text.
    """

    media_type = CONTENT_TYPE_LATEST

    def __init__(self) -> None:
        self.registry = own = CollectorRegistry()
        ProcessCollector(registry=own)
        model = ["model"]
        self._requests = Counter(
            "recurra_requests", "Requests answered", ["route", "method", "status"], registry=own
        )
        self._request = Histogram(
            "recurra_request_seconds",
            "From a request to its answer, streams left out",
            ["route"],
            registry=own,
            buckets=SECONDS,
        )
        self._refused = Counter("recurra_refused", "What was turned away", ["reason"], registry=own)
        self._predict = Histogram(
            "recurra_predict_seconds",
            "From inputs to their answers, with their wait for others",
            model,
            registry=own,
            buckets=SECONDS,
        )
        self._frame = Histogram(
            "recurra_frame_seconds",
            "From a message of frames to its answers, with its wait for others",
            model,
            registry=own,
            buckets=SECONDS,
        )
        self._batch = Histogram(
            "recurra_batch_rows",
            "Rows that were computed together",
            [*model, "kind"],
            registry=own,
            buckets=ROWS,
        )
        self._queue = Gauge("recurra_queue", "What waits", [*model, "kind"], registry=own)
        self._sessions = Gauge("recurra_sessions", "Sessions in memory", model, registry=own)
        self._stored = Counter("recurra_sessions_stored", "Sessions put away", model, registry=own)
        self._resumed = Counter(
            "recurra_sessions_resumed", "Sessions that came back", model, registry=own
        )
        self._state = Histogram(
            "recurra_state_bytes", "Size of stored states", model, registry=own, buckets=BYTES
        )
        self._frames = Counter("recurra_frames", "Frames taken", model, registry=own)
        self._answers = Counter("recurra_answers", "Answers told on streams", model, registry=own)
        self._store = Counter("recurra_store_errors", "Calls that the store failed", registry=own)

    def request(self, route: str, method: str, status: int, seconds: float | None) -> None:
        """Count a request; a stream, which has no time of its own, is counted with None."""
        self._requests.labels(route, method, str(status)).inc()
        if seconds is not None:
            self._request.labels(route).observe(seconds)

    def refused(self, reason: Reason) -> None:
        """Count what was turned away."""
        self._refused.labels(reason).inc()

    def predicted(self, model: str, seconds: float) -> None:
        """Count a request whose inputs were answered."""
        self._predict.labels(model).observe(seconds)

    def stepped(self, model: str, frames: int, answers: int) -> None:
        """Count what was told together."""
        self._frames.labels(model).inc(frames)
        self._answers.labels(model).inc(answers)

    def waited(self, model: str) -> Callable[[float], None]:
        """Return what counts a message of frames by the seconds until its reply.

        It is asked for once: to look it up takes as long as to count.
        """
        found: Callable[[float], None] = self._frame.labels(model).observe
        return found

    def batch(self, model: str, kind: Literal["predict", "frames"], rows: int) -> None:
        """Count rows that were computed together."""
        self._batch.labels(model, kind).observe(rows)

    def queue(self, model: str, kind: Literal["predict", "frames"], length: int) -> None:
        """Say how many wait now."""
        self._queue.labels(model, kind).set(length)

    def sessions(self, model: str, count: int) -> None:
        """Say how many sessions are in memory now."""
        self._sessions.labels(model).set(count)

    def stored(self, model: str, size: int) -> None:
        """Count a session that was put away, in so many bytes."""
        self._stored.labels(model).inc()
        self._state.labels(model).observe(size)

    def resumed(self, model: str) -> None:
        """Count a session that came back."""
        self._resumed.labels(model).inc()

    def store_failed(self) -> None:
        """Count a call that the store failed."""
        self._store.inc()

    def text(self) -> bytes:
        """Return all of it as Prometheus reads it (`media_type`)."""
        return generate_latest(self.registry)
