"""An exported folder, run by ONNX Runtime."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from recurra.errors import BundleError, InputError, MissingExtra, unknown
from recurra.runtime import files, values
from recurra.runtime.chance import Chance
from recurra.runtime.live import Live
from recurra.runtime.search import Arrays, Bounds, sample
from recurra.runtime.stream import Stream
from recurra.runtime.tasks import Task, find
from recurra.runtime.writer import whole, write
from recurra.training.recipe import Recipe


class Exported:
    """The folder that `recurra export` wrote.

    Args:
        folder: of the graphs; what does not have the recorded sha256 is refused.
        threads: of the processor.
        weights: narrower ones that were exported beside: fp16, int8, int8-dynamic.
    Raises:
        RecurraError: there are no such weights.
        BundleError: a file is missing, damaged, or of another schema.
        MissingExtra: onnxruntime is not installed.
    """

    def __init__(self, folder: str | Path, threads: int = 1, weights: str | None = None) -> None:
        try:
            import onnxruntime
        except ImportError as error:
            raise MissingExtra("running an exported model", "onnxruntime", "export") from error
        self.folder = Path(folder)
        self.described = files.read(self.folder)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
        options.log_severity_level = 3  # warnings are of names that its own optimiser leaves over
        self.graphs: dict[str, Any] = self.described["graphs"]
        narrow = self.described.get("narrow", {})
        if weights is not None and weights not in narrow:
            raise unknown("weights", weights, list(narrow))
        stored = self.graphs if weights is None else narrow[weights]["graphs"]
        self.sessions = {
            name: onnxruntime.InferenceSession(
                files.content(self.folder, stored[name]),
                options,
                providers=["CPUExecutionProvider"],
            )
            for name in self.graphs
        }

    def run(self, graph: str, **given: ArrayLike) -> Arrays:
        """Return the outputs of a graph, by name.

        A state that is not given is the initial one, and lengths are the whole time.

        Args:
            graph: its name: sequence, step, encoder, ….
            given: its inputs, by name; a dot in a name is written as it is: `**{"0.h": h}`.
        Raises:
            ValueError: there is no such graph or input, one is missing, or has other sizes.
        """
        told = self._graph(graph)
        known = [value["name"] for value in told["inputs"]]
        if strange := sorted(set(given) - set(known)):
            raise InputError(f"{graph} has no input {strange[0]!r}; it has {', '.join(known)}")
        sizes, feeds = dict[str, int](), Arrays()
        for value in told["inputs"]:
            if value["name"] in given:
                feeds[value["name"]] = values.checked(graph, value, given[value["name"]], sizes)
        for value in told["inputs"]:
            if value["name"] not in feeds:
                feeds[value["name"]] = values.usual(graph, value, sizes)
        session = self.sessions[graph]
        taken = {value.name for value in session.get_inputs()}
        names = [value["name"] for value in told["outputs"]]
        found = session.run(names, {name: one for name, one in feeds.items() if name in taken})
        return dict(zip(names, found, strict=True))

    def predict(self, inputs: Iterable[Any], **decoding: Any) -> list[Any]:
        """Return one answer per input, the same as `recurra.Model.predict`: `asdict()` is its JSON.

        Args:
            inputs: what the task reads: texts, files, arrays, keys.
            decoding: options to use instead of the model's own: beam, temperature, seed, ….
        Raises:
            RecurraError: an input cannot be read, and the text says which; or the folder is of a
                layer, or was exported before it could be asked so.
        """
        if isinstance(inputs, str | bytes) or not isinstance(inputs, Iterable):
            raise InputError(f"inputs: received a {type(inputs).__name__}; give a list of inputs")
        given = list(inputs)
        return self.task.predict(given, self._recipe(decoding)) if given else []

    def generate(self, prompt: Any, **decoding: Any) -> Iterator[Any]:
        """Yield the parts of a piece as they are written, as texts, and last the whole answer.

        Args:
            prompt: what to begin from, as the task reads it.
            decoding: options to use instead of the model's own: temperature, max_length, seed, ….
        Raises:
            RecurraError: the task writes nothing, or the prompt cannot be read.
        """
        return self.task.generate(prompt, self._recipe(decoding))

    def live(self, **decoding: Any) -> Live:
        """Return a session, which takes an input as it comes, as `recurra.Session` does.

        Texts, samples at the model's rate or rows of numbers; `step` returns what is known after
        each step, and `end` what was still waited for.

        Args:
            decoding: options to use instead of the model's own: threshold, smooth, ….
        Raises:
            RecurraError: the task or this model waits for the end of its input.
        """
        return self.task.live(self._recipe(decoding))

    @cached_property
    def task(self) -> Task:
        """What the folder's task makes of inputs and outputs.

        Raises:
            InputError: it is of a layer alone.
            BundleError: its files are damaged, or lack what an answer needs.
        """
        if "task" not in self.described:
            raise InputError(f"{self.folder} is of a layer, which reads numbers alone: use run")
        if "recipe" not in self.described:
            raise BundleError(f"{self.folder} was exported by an older version; export it again")
        return find(self.described["task"], self, files.texts(self.folder, self.described))

    def _recipe(self, decoding: Mapping[str, Any]) -> Recipe:
        kind = self.task.recipe
        known = kind.hints()
        stored = {n: one for n, one in self.described["recipe"].items() if n in known}
        recipe: Recipe = kind.of(stored, decoding)
        return recipe

    def stream(self, rows: int = 1, state: Mapping[str, NDArray[Any]] | None = None) -> Stream:
        """Return a stream of so many rows, from their beginning or from a state.

        Raises:
            ValueError: the model has no step that begins by itself.
        """
        if "encoder" in self.graphs:
            raise InputError("this model writes from what its encoder has read; use write")
        return Stream(self, {**self.begin("step", rows), **(state or {})}, rows)

    def so_far(self, x: NDArray[Any], lengths: NDArray[np.int64]) -> NDArray[Any]:
        """Return what the step graph says at each step of rows [batch time …], none late.

        Args:
            x: the rows.
            lengths: theirs; what is said beyond means nothing.
        """
        stream, said = self.stream(len(x)), []
        for t in range(x.shape[1] + stream.delay):
            ended = t >= lengths
            now = np.where(ended.reshape(-1, *[1] * (x.ndim - 2)), 0, x[:, min(t, x.shape[1] - 1)])
            flag = {"ended": ended} if stream.delay else {}
            said.append(stream.step(now.astype(x.dtype), **flag))
        return np.stack(said[stream.delay :], 1)

    def begin(self, graph: str, rows: int = 1) -> Arrays:
        """Return the states that a graph begins with."""
        return {
            value["name"]: values.usual(graph, value, {"batch": rows})
            for value in self._graph(graph)["inputs"]
            if "initial" in value
        }

    def write(
        self,
        tokens: ArrayLike,
        *,
        end: int,
        most: int,
        temperature: float = 0.0,
        seed: int = 0,
        **source: ArrayLike,
    ) -> list[list[int]]:
        """Return what each row writes after these tokens, at most so many, without the end.

        Args:
            tokens: of each row, one or more that it begins with [batch time].
            end: the token that ends a row.
            most: tokens.
            temperature: 0: the likeliest; above: drawn.
            seed: of what is drawn.
            source: what the encoder reads, where there is one: `source`, `source_lengths`.
        Raises:
            ValueError: the model does not write, or an input has other sizes.
        """
        told = self._graph("step")
        if told["inputs"][0]["name"] != "token":
            raise InputError("this model writes nothing; use run, or stream")
        begun = np.asarray(tokens, np.int64)
        if begun.ndim != 2 or not begun.size or most < 1:
            raise InputError(
                f"tokens are {list(begun.shape)}, most is {most}; [batch time], 1 or more"
            )
        state = (
            self.run("encoder", **source)
            if "encoder" in self.graphs
            else self.begin("step", len(begun))
        )
        for now in begun[:, :-1].T:
            found = self.run("step", token=now, **state)
            found.pop("logits")
            state |= {name.removesuffix("_next"): one for name, one in found.items()}
        how = sample(Chance(seed), len(begun), most, temperature, 0, 1.0)
        written = whole(write(self, state, begun[:, -1], how, Bounds(end, most)))
        return [one.tokens for one in written]

    def _graph(self, name: str) -> Any:
        if name not in self.graphs:
            raise InputError(f"there is no graph {name!r}; there is {', '.join(self.graphs)}")
        return self.graphs[name]
