"""How long `recurra serve` takes from its first instruction to its first answer."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.serving.figures import median
from benchmarks.serving.question import Found, Settings
from benchmarks.serving.server import serving

TIMES = 5


def answer(settings: Settings) -> Iterator[Found]:
    """Yield the median of several starts of a server of one bundle."""
    took = []
    for _ in range(2 if settings.quick else TIMES):
        with serving(settings.models.tagger) as server:
            took.append(server.seconds)
    details = [{"start": i, "seconds": round(one, 2)} for i, one in enumerate(took, 1)]
    yield Found("one bundle", round(median(took), 2), details)
