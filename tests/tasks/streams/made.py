"""Tiny models that stream, and what a session of them tells."""

import copy
import json
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from jaxtyping import TypeCheckError

from recurra.errors import RecurraError
from recurra.tasks.catalogue import find
from recurra.tasks.model import Model
from recurra.tasks.run import build, complete
from recurra.tasks.streams.session import Session
from tests.tasks.conftest import TINY, WRITERS

Answers = list[dict[str, Any]]


def made(name: str, folder: Path, **fields: Any) -> Model:
    """Return an untrained model, whose weights lie so far apart that a wrong answer shows."""
    return of_file(name, WRITERS[name](folder), **fields)


def of_file(name: str, data: str, **fields: Any) -> Model:
    """Return a model of this file."""
    task = find(name)
    recipe = complete(task, {**TINY, "data": data, **fields})
    splits = task.read(recipe)
    codec = task.fit(splits.train, recipe)
    torch.manual_seed(0)
    network = build(task, codec, recipe).eval()
    with torch.no_grad():
        for weight in network.parameters():
            weight.add_(torch.randn_like(weight), alpha=0.4)
    if task.finish:
        task.finish(network, codec, splits.valid, recipe)
    return Model(task, recipe, codec, network)


def heard(model: Model, pieces: Sequence[Any]) -> Answers:
    """Return all that is told of an input in these pieces; its memory is stored after each."""
    session, answers = Session(model), list[dict[str, Any]]()
    for piece in pieces:
        answers += session.push(piece)
        session.memory = restored(session.memory)
        same_kinds(session.memory, session.streamed.begin())
    return answers + session.end()


def same(some: Answers, others: Answers) -> bool:
    """Return whether two sessions were told the same; numbers may differ in their sixth digit."""

    def near(one: Any, other: Any) -> bool:
        if isinstance(one, dict):
            return one.keys() == other.keys() and all(near(one[key], other[key]) for key in one)
        if isinstance(one, list):
            return len(one) == len(other) and all(map(near, one, other))
        return bool(one == (pytest.approx(other, abs=1e-5) if isinstance(one, float) else other))

    return near(some, others)


def same_kinds(memory: dict[str, Any], begun: dict[str, Any]) -> None:
    """Assert that a memory has the names and kinds that it began with, whoever stored it."""
    assert memory.keys() == begun.keys()
    for name, value in begun.items():
        assert type(memory[name]) is type(value), name
        if isinstance(value, np.ndarray):
            assert (memory[name].dtype, memory[name].ndim) == (value.dtype, value.ndim), name


def restored(memory: dict[str, Any]) -> dict[str, Any]:
    """Return a memory that was written as JSON and arrays, and read again."""
    arrays: list[np.ndarray] = []

    def out(value: Any) -> Any:
        if isinstance(value, np.ndarray):
            arrays.append(np.frombuffer(value.tobytes(), value.dtype).reshape(value.shape))
            return {"array": len(arrays) - 1}
        assert type(value) in (int, float, str, bool, list, type(None))
        return [out(one) for one in value] if isinstance(value, list) else value

    def back(value: Any) -> Any:
        if isinstance(value, list):
            return [back(one) for one in value]
        return arrays[value["array"]] if isinstance(value, dict) else value

    told = json.dumps({name: out(value) for name, value in memory.items()}, allow_nan=False)
    return {name: back(value) for name, value in json.loads(told).items()}


def size(memory: Any) -> int:
    """Return how many numbers and letters a memory holds."""
    if isinstance(memory, np.ndarray):
        return memory.size
    if isinstance(memory, dict | list):
        return sum(map(size, memory.values() if isinstance(memory, dict) else memory))
    return len(memory) if isinstance(memory, str) else 1


def cuts(whole: Any, seed: int) -> list[Any]:
    """Return a text, list or array in pieces, cut at random."""
    drawn = random.Random(seed)
    places = sorted(drawn.sample(range(1, len(whole)), min(3, len(whole) - 1)))
    return [whole[a:b] for a, b in zip([0, *places], [*places, len(whole)], strict=True)]


def refuses(model: Model, wrong: Sequence[Any], good: Any) -> None:
    """Assert that each of these is refused in one line and changes nothing."""
    session = Session(model)
    session.push(good)
    for given in wrong:
        before = copy.deepcopy(session.memory)
        with pytest.raises((RecurraError, TypeCheckError)) as caught:
            session.push(given)
        if isinstance(caught.value, RecurraError):
            assert "\n" not in str(caught.value)
            assert len(str(caught.value)) < 300
        assert repr(before) == repr(session.memory)
