"""What a gauge and a surprise know, in a memory."""

from __future__ import annotations

from recurra.codecs.streams import Memory
from recurra.streaming.gauge import Gauge
from recurra.streaming.statistics import RunningStatistics
from recurra.streaming.surprise import Surprise


def keep_gauge(memory: Memory, gauge: Gauge) -> None:
    """Write what a gauge knows into a memory."""
    _keep(memory, "gauge", gauge.running)
    memory["last"] = gauge.last


def load_gauge(memory: Memory, gauge: Gauge) -> None:
    """Let a gauge go on from a memory, which is not written."""
    _load(memory, "gauge", gauge.running)
    gauge.last = memory["last"]


def keep_surprise(memory: Memory, surprise: Surprise) -> None:
    """Write what a surprise knows into a memory."""
    for name, kept in _parts(surprise).items():
        _keep(memory, name, kept)
    memory["calm"], memory["lasting"] = surprise.calm, surprise.lasting


def load_surprise(memory: Memory, surprise: Surprise) -> None:
    """Let a surprise go on from a memory, which is not written."""
    for name, kept in _parts(surprise).items():
        _load(memory, name, kept)
    surprise.calm, surprise.lasting = memory["calm"], memory["lasting"]


def _parts(surprise: Surprise) -> dict[str, RunningStatistics]:
    found = {"errors": surprise.errors.usual, "latest errors": surprise.errors.latest}
    if surprise.values is not None:
        far = surprise.values.unusual
        found |= {"level": surprise.values.level, "far": far.usual, "latest far": far.latest}
    return found


def _keep(memory: Memory, name: str, kept: RunningStatistics) -> None:
    memory[name] = [kept.mean, kept.variance, kept.count]


def _load(memory: Memory, name: str, kept: RunningStatistics) -> None:
    kept.mean, kept.variance, kept.count = memory[name]
