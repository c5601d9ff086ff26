"""An exported folder, run by ONNX Runtime."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from recurra.errors import InputError, MissingExtra, unknown
from recurra.runtime import files, values
from recurra.runtime.stream import Arrays, Stream


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

    def stream(self, rows: int = 1, state: Mapping[str, NDArray[Any]] | None = None) -> Stream:
        """Return a stream of so many rows, from their beginning or from a state.

        Raises:
            ValueError: the model has no step that begins by itself.
        """
        told = self._graph("step")
        if "encoder" in self.graphs:
            raise InputError("this model writes from what its encoder has read; use write")
        begun = {
            value["name"]: values.usual("step", value, {"batch": rows})
            for value in told["inputs"]
            if "initial" in value
        }
        return Stream(self, {**begun, **(state or {})})

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
        state = self.run("encoder", **source) if "encoder" in self.graphs else {}
        drawn, rows = np.random.default_rng(seed), [list[int]() for _ in begun]
        done, now = np.zeros(len(begun), bool), begun[:, 0]
        for t in range(1, begun.shape[1] + most):
            found = self.run("step", token=now, **state)
            logits = found.pop("logits")
            state |= {name.removesuffix("_next"): one for name, one in found.items()}
            if t < begun.shape[1]:
                now = begun[:, t]
                continue
            if temperature > 0:
                logits = logits / temperature + drawn.gumbel(size=logits.shape)
            now = logits.argmax(-1)
            done |= now == end
            for row in np.flatnonzero(~done):
                rows[row].append(int(now[row]))
            if done.all():
                break
        return rows

    def _graph(self, name: str) -> Any:
        if name not in self.graphs:
            raise InputError(f"there is no graph {name!r}; there is {', '.join(self.graphs)}")
        return self.graphs[name]
