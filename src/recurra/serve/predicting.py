"""Inputs of many requests, answered together."""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field
from typing import Any

from recurra.errors import InputError, RecurraError
from recurra.tasks.answered import answered
from recurra.tasks.model import Model

BOUNDS = {"beam": 64, "length": 1024}  # of what makes a request dear


class Busy(RecurraError):  # noqa: N818, it is what the server is
    """Too much waits already.

    Args:
        seconds: after which to try again.
    """

    def __init__(self, text: str, seconds: float = 1.0) -> None:
        super().__init__(text)
        self.seconds = seconds


@dataclass(eq=False)
class Asked:
    """The inputs of one request, and who waits for them."""

    inputs: Sequence[Any]
    options: Mapping[str, Any]
    answered: asyncio.Future[list[Any]] = field(default_factory=asyncio.Future)


class Batcher:
    """Answers a model's requests, those of the same options together.

    Args:
        model: what answers.
        compute: the one thread of the model.
        wait: seconds that a request waits for others.
        most: inputs that are computed together.
        queue: inputs that wait, beyond which requests are refused.
        told: is given the size of every batch.
    """

    def __init__(
        self,
        model: Model,
        compute: Executor,
        *,
        wait: float,
        most: int,
        queue: int,
        told: Callable[[int], None] = lambda _: None,
    ) -> None:
        self.model, self.compute = model, compute
        self.wait, self.most, self.queue, self.told = wait, most, queue, told
        self.waiting = deque[Asked]()
        self.count = 0
        self.running: asyncio.Task[None] | None = None

    async def ask(self, inputs: Sequence[Any], options: Mapping[str, Any]) -> list[Any]:
        """Return a prediction for each input, or the error in its place.

        Raises:
            Busy: too many inputs wait.
        """
        if self.count and self.count + len(inputs) > self.queue:
            raise Busy(f"{self.count} inputs wait already; try again in a second")
        asked = Asked(inputs, options)
        self.waiting.append(asked)
        self.count += len(inputs)
        if self.running is None:
            self.running = asyncio.get_running_loop().create_task(self._run())
        try:
            return await asked.answered
        except asyncio.CancelledError:
            if asked in self.waiting:  # nobody waits for it any more
                self.waiting.remove(asked)
                self.count -= len(inputs)
            raise

    async def _run(self) -> None:
        if self.wait:
            await asyncio.sleep(self.wait)
        while self.waiting:
            some = self._taken()
            size = sum(len(asked.inputs) for asked in some)
            self.told(size)
            inputs = [one for asked in some for one in asked.inputs]
            loop = asyncio.get_running_loop()
            try:
                found = await loop.run_in_executor(self.compute, self._answer, inputs, some[0])
            except Exception as error:  # whatever it is, those who wait are told
                for asked in some:
                    if not asked.answered.done():
                        asked.answered.set_exception(error)
            else:
                for asked in some:
                    mine, found = found[: len(asked.inputs)], found[len(asked.inputs) :]
                    if not asked.answered.done():
                        asked.answered.set_result(mine)
            self.count -= size
        self.running = None

    def _taken(self) -> list[Asked]:
        """Return the first that waits, and others of the same options that fit beside it."""
        first = self.waiting.popleft()
        if self._draws(first.options):
            return [first]
        some, size, left = [first], len(first.inputs), deque[Asked]()
        while self.waiting:
            asked = self.waiting.popleft()
            fits = asked.options == first.options and size + len(asked.inputs) <= self.most
            if fits:
                some.append(asked)
                size += len(asked.inputs)
            else:
                left.append(asked)
        self.waiting = left
        return some

    def _draws(self, options: Mapping[str, Any]) -> bool:
        """Whether answers are drawn: then each request has its draws to itself."""
        recipe = {**self.model.recipe.asdict(), **options}
        scores = self.model.task.name == "language_model"
        return "temperature" in recipe and not recipe.get("beam") and not scores

    def _answer(self, inputs: list[Any], asked: Asked) -> list[Any]:
        found = list[Any]()
        for begin in range(0, len(inputs), self.most):
            found += answered(self.model, inputs[begin : begin + self.most], asked.options)
        return found


def checked(model: Model, allowed: frozenset[str], options: Any) -> dict[str, Any]:
    """Return the options of a request, each as the recipe takes it.

    Raises:
        RecurraError: one is not allowed, or is out of its range.
    """
    if not isinstance(options, dict):
        raise InputError(f"options: received {json.dumps(options)[:40]}; give an object")
    for name, value in options.items():
        if name not in allowed:
            listed = ", ".join(sorted(allowed)) or "none"
            raise InputError(f"option {name!r:.40}: {model.task.name} takes {listed}")
        bound = BOUNDS.get(name)
        if name == "max_length":
            bound = max(getattr(model.recipe, "max_length", 0), 1024)
        if bound is not None and isinstance(value, int) and value > bound:
            raise InputError(f"{name}: received {value}; allowed here is up to {bound}")
    recipe = model.task.recipe.of(model.recipe.asdict(), options)
    return {name: getattr(recipe, name) for name in options}
