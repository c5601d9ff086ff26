"""Sentences a second: over HTTP, and of the same bundle called in Python."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import torch

from benchmarks.serving.figures import median, ratio
from benchmarks.serving.question import Found, Settings
from benchmarks.serving.server import Running, serving
from recurra.tasks.model import Model, load

COUNT, BATCH, LONG = 2000, 64, 8  # sentences, of a batch, that make a longer one
WAYS = ((64, 4), (1, 32))  # sentences of a request, connections
ROUNDS = 5


def answer(settings: Settings) -> Iterator[Found]:
    """Yield the server's sentences a second as a share of the bundle's, in percent."""
    torch.set_num_threads(1)
    model = load(settings.models.sentiment)
    texts = sentences(model, 200 if settings.quick else COUNT)
    with serving(settings.models.sentiment, threads=1) as server:
        for kind, given in texts.items():
            for size, connections in WAYS:
                rounds = [
                    (in_python(model, given), over_http(server, given, size, connections))
                    for _ in range(2 if settings.quick else ROUNDS)
                ]
                details = [
                    {"bundle, a second": round(a), "server, a second": round(b)} for a, b in rounds
                ]
                share = 100 * median(ratio(b, a) for a, b in rounds)
                part = f"{kind}, requests of {size}, {connections} connections"
                yield Found(part, round(share, 1), details, asked=size == BATCH)


def sentences(model: Model, count: int) -> dict[str, list[str]]:
    """Return the sample's test sentences, and as many that are made of several."""
    found = [example.text for example in model.task.read(model.recipe).test]
    plain = list(islice(cycle(found), count))
    longer = [" ".join(islice(cycle(found), i, i + LONG)) for i in range(count)]
    return {"sentences": plain, f"texts of {LONG} sentences": longer}


def in_python(model: Model, texts: Sequence[str]) -> float:
    """Return how many texts a second the bundle answers in batches."""
    began = time.perf_counter()
    for begin in range(0, len(texts), BATCH):
        model.predict(texts[begin : begin + BATCH])
    return len(texts) / (time.perf_counter() - began)


def over_http(server: Running, texts: Sequence[str], size: int, connections: int) -> float:
    """Return how many texts a second a client of its own process is answered."""
    client = Path(__file__).with_name("requests.py")
    given: dict[str, Any] = {
        "port": server.port,
        "path": "/v1/models/sentiment/predict",
        "texts": list(texts),
        "size": size,
        "connections": connections,
    }
    done = subprocess.run(
        [sys.executable, str(client)],
        input=json.dumps(given),
        capture_output=True,
        text=True,
        check=True,
    )
    return float(done.stdout)
