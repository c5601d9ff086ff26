"""How many sessions one server answers in time, with batches across sessions and without."""

from __future__ import annotations

import json
import struct
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.serving.figures import holds, ratio, search
from benchmarks.serving.models import CHANNELS
from benchmarks.serving.question import Found, Settings
from benchmarks.serving.server import Running, serving

LEVELS = (25, 50, 100, 200, 300, 400, 600, 800, 1000, 1500, 2000)
PERIOD, WITHIN = 0.02, 20.0  # seconds between frames, milliseconds for 99 answers in 100
FORMATS = ("JSON", "binary")
WAYS: dict[str, dict[str, float]] = {
    "across sessions": {},
    "of one": {"max_batch": 1, "max_wait_ms": 0},
}


def answer(settings: Settings) -> Iterator[Found]:
    """Yield how many sessions are answered in time, by format."""
    for form in FORMATS:
        most, steps = climb({}, form, settings)
        yield Found(f"{form} frames", most, steps)


def batched(settings: Settings) -> Iterator[Found]:
    """Yield how many times as many sessions are answered in time as without batches."""
    for form in FORMATS:
        most, details = dict[str, int](), list[dict[str, Any]]()
        for name, options in WAYS.items():
            most[name], steps = climb(options, form, settings)
            details += [{"batches": name, **step} for step in steps]
        together, alone = most.values()
        more = round(ratio(together, alone), 2)
        yield Found(f"{form} frames", more, details, f"{together} sessions beside {alone}")


def climb(
    options: dict[str, float], form: str, settings: Settings
) -> tuple[int, list[dict[str, Any]]]:
    """Return the most sessions that are answered in time, and the figures of all that was tried.

    Each number has a server of its own, which has no sessions of others to put away.
    """
    steps = list[dict[str, Any]]()

    def held(sessions: int) -> bool:
        with serving(settings.models.tagger, **options) as server:
            steps.append(loaded(server, form, sessions, settings))
        return holds(steps[-1], WITHIN)

    if settings.quick:
        return search((25, 100), held, halvings=0), steps
    return search(LEVELS, held), steps


def loaded(server: Running, form: str, sessions: int, settings: Settings) -> dict[str, Any]:
    """Return the figures of one load, from a process of its own."""
    row = [round(float(x), 2) for x in np.random.default_rng(0).normal(size=CHANNELS)]
    text, query = json.dumps({"frames": [row]}), ""
    frame: Any = text
    if form == "binary":
        frame, query = {"hex": struct.pack(f"<{CHANNELS}f", *row).hex()}, "?format=binary"
    load = {
        "port": server.port,
        "path": f"/v1/models/tagger/stream{query}",
        "frames": [frame],
        "sessions": sessions,
        "period": PERIOD,
        "seconds": 1.0 if settings.quick else 6.0,
        "warm": 0.5 if settings.quick else 2.0,
    }
    client = Path(__file__).with_name("load.py")
    command = [sys.executable, str(client), json.dumps(load)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:  # the server was too busy even to let them in
        return {"sessions": sessions, "p50_ms": None, "p99_ms": None, "unanswered": sessions}
    figures: dict[str, Any] = json.loads(done.stdout)
    return figures
