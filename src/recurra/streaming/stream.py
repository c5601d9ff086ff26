"""A layer that is stepped: one frame of each row in, one frame of each row out."""

import copy
from collections.abc import Sequence
from typing import Any, NoReturn

import torch
from jaxtyping import Float
from torch import Tensor

from recurra import inputs, tree
from recurra.cells import Cell
from recurra.engines.native.stream import FORMATS, check
from recurra.errors import InputError, InputTypeError, unknown
from recurra.layers import Layer, as_layer
from recurra.streaming.native import plan
from recurra.streaming.parts import steps_of
from recurra.streaming.rows import Rows, Seats
from recurra.streaming.steps import Closed, Steps

MOST = 1 << 31
FLOAT, DENSE = torch.float32, torch.strided
wrapped = torch._C._functorch.is_functorch_wrapped_tensor  # its memory is another tensor's


class Stream:
    """A layer stepped frame by frame, with the state of many rows; each row is a stream.

    Stepped over a sequence it gives what the layer gives in evaluation, row by row. Nothing of a
    step reaches another row, and no gradient passes through.

    It has its own copy of the weights: train on, and `refresh` takes them anew.

    Args:
        layer: a layer that streams; a cell stands for `Recurrent(cell)`.
        rows: streams that run from the start, numbered from 0.
        capacity: most rows that run at once, where it is more; memory is taken for all of them.
        weights: numbers that the weights are kept in: "float32"; "float16", "bfloat16", rounded to
            nearest; "int8", whole numbers times one scale per line of a matrix. Products are
            summed in float32. Narrow weights are a copy that is read faster, and less exact.
        threads: threads of one step. One is best below some 256 units; more wait for each other.
    `copy.copy` makes another stream of the same layer that goes on from the same state;
    `copy.deepcopy` copies the layer too.

    Raises:
        RecurraError: the layer does not stream, a number is not positive, there is no such kind of
            weights, or it needs the native library and that cannot step this layer.
        TypeError: it is neither a layer nor a cell, or a number is no whole number.
    """

    def __init__(
        self,
        layer: Layer | Cell[Any],
        rows: int = 1,
        *,
        capacity: int | None = None,
        weights: str = "float32",
        threads: int = 1,
    ) -> None:
        self.layer = as_layer(layer)
        numbers = {"rows": rows, "capacity": capacity, "threads": threads}
        for name, number in numbers.items():
            if type(number) is not int and not (name == "capacity" and number is None):
                raise InputTypeError(f"{name} is {number!r}; it is a whole number")
        if not isinstance(weights, str):
            raise InputTypeError(f"weights is {weights!r}; it is one of {', '.join(FORMATS)}")
        capacity = max(rows, 1) if capacity is None else capacity
        if not self.layer.streams:
            raise InputError(
                f"{type(layer).__name__} does not stream: it waits for the end of its input; "
                "for right context in a stream use LookAhead"
            )
        if not 0 <= rows <= capacity or not 1 <= capacity < MOST or not 1 <= threads < MOST:
            raise InputError(
                f"rows is {rows}, capacity {capacity}, threads {threads}; rows is between 0 and "
                f"the capacity, which is at least 1, as threads is, and below {MOST}"
            )
        if weights not in FORMATS:
            raise unknown("kind of weights", weights, list(FORMATS))
        self.weights, self.threads = weights, threads
        self.input_size, self.output_size = self.layer.input_size, self.layer.output_size
        self.delay = self.layer.delay
        self._seats = Seats(capacity, rows)
        self._begin()
        self.reset()

    @property
    def engine(self) -> str:
        """What steps: "native", "graph", "loop", "parts", or "closed".

        On a GPU a step is a CUDA graph; loop is the layer itself, given one frame. Parts are those
        of a stack: some native, the others given one frame.
        """
        return self._steps.name

    @property
    def reason(self) -> str | None:
        """Why the native library does not step all of this layer, nor a graph, or None."""
        reasons = plan(self.layer)[1], self._steps.reason
        return "; and ".join(filter(None, reasons)) or None

    def step(
        self,
        x: Float[Tensor, "rows input"],
        *,
        out: Float[Tensor, "rows output"] | None = None,
        rows: Sequence[int] | Tensor | None = None,
    ) -> Float[Tensor, "rows output"]:
        """Give each row its next frame.

        Args:
            x: one frame of each row, of the layer's dtype, on its device.
            out: where the outputs are to be written; a new tensor where it is not given.
            rows: the rows stepped, in the order of x; all that are in use, ascending, where it is
                not given.
        Raises:
            RecurraError: x or out has another dtype, device, size or layout, a row is not in use
                or named twice, another thread is at it, or the stream is closed.
        """
        # checked here, call by call: for a small layer each takes as long as a tenth of the step
        ready = self._ready
        if rows is None and ready is not None:
            call, handle, frames, x_shape, x_bytes, out_shape, out_bytes, out_like = ready
            if _is_read(x, x_shape, x_bytes):
                if out is None:
                    out = torch.empty_like(out_like)
                elif not _is_read(out, out_shape, out_bytes):
                    return self._steps.step(self._seats.live, x, out)
                code = call(handle, frames, x.data_ptr(), out.data_ptr())
                if code:
                    check(code)
                return out
        return self._steps.step(self._named(rows), x, out)

    @property
    def rows(self) -> list[int]:
        """The rows in use, ascending."""
        live: list[int] = self._seats.live.places.tolist()
        return live

    def join(self) -> int:
        """Return a row that begins afresh.

        Raises:
            RecurraError: all rows are in use.
        """
        row = self._seats.take()
        self._ready = self._steps.ready(self._seats.live)
        self.reset([row])
        return row

    def leave(self, row: int) -> None:
        """Free a row for another stream.

        Raises:
            RecurraError: it is not in use.
        """
        self._seats.free(row)
        self._ready = self._steps.ready(self._seats.live)

    @property
    def state(self) -> Any:
        """The state of the rows in use, a copy, as the layer takes and returns it."""
        return self.read()

    @state.setter
    def state(self, state: Any) -> None:
        self.write(state)

    def read(self, rows: Sequence[int] | Tensor | None = None) -> Any:
        """Return a copy of the state of rows, or of all in use."""
        return self._steps.read(self._named(rows))

    def write(self, state: Any, rows: Sequence[int] | Tensor | None = None) -> None:
        """Set the state of rows, or of all in use, as the layer returned it.

        Raises:
            RecurraError: it is not a state of this layer for so many rows.
        """
        named = self._named(rows)
        like = self.layer.initial_state(named.size)
        inputs.state(self.layer, state, named.size, next(self.layer.parameters(), None))
        state = tree.map(_as_numbers, state, like)
        if reason := next(filter(None, map(inputs.impure, tree.leaves(state))), None):
            raise InputError(f"the state cannot be read: {reason}")
        self._steps.write(named, state)

    def reset(self, rows: Sequence[int] | Tensor | None = None) -> None:
        """Let rows, or all in use, begin afresh."""
        named = self._named(rows)
        state = self.layer.initial_state(named.size)
        self._steps.write(named, tree.map(torch.Tensor.detach, state))

    def refresh(self) -> None:
        """Take the layer's weights as they are now; states stay."""
        state = self.read()
        self._begin()
        self.write(state)

    def close(self) -> None:
        """Free weights and states; any later use is an error."""
        self._steps: Steps = Closed()
        self._ready = None

    def __copy__(self) -> "Stream":
        made = object.__new__(type(self))
        vars(made).update(vars(self))
        made._seats, made._steps = copy.copy(self._seats), self._steps.copy()
        made._ready = made._steps.ready(made._seats.live)
        return made

    def __deepcopy__(self, memo: dict[int, Any]) -> "Stream":
        made = memo[id(self)] = self.__copy__()
        made.layer = copy.deepcopy(self.layer, memo)
        return made

    def __reduce__(self) -> NoReturn:
        raise InputTypeError(
            "a Stream is not pickled: it has memory of its own; save its layer's weights and "
            "`stream.state`, and write that to a new Stream"
        )

    def __enter__(self) -> "Stream":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _begin(self) -> None:
        self._steps = self._made()
        self._ready = self._steps.ready(self._seats.live)

    def _made(self) -> Steps:
        if self.weights != "float32" and (reason := plan(self.layer)[1]):
            raise InputError(f"weights of {self.weights} need the native library, but {reason}")
        return steps_of(self.layer, self._seats.capacity, self.weights, self.threads)

    def _named(self, rows: Sequence[int] | Tensor | None) -> Rows:
        return self._seats.live if rows is None else self._seats.name(rows)


def _is_read(x: Tensor, shape: torch.Size, size: int) -> bool:
    """Return whether x's memory holds just these numbers; where not, slower checks say why."""
    return (
        type(x) is Tensor
        and x.dtype is FLOAT
        and x.is_cpu
        and x.layout is DENSE
        and x.shape == shape
        and x.is_contiguous()
        and not x.is_neg()
        and not wrapped(x)
        and x.untyped_storage().nbytes() - x.storage_offset() * 4 >= size
    )


def _as_numbers(leaf: Tensor, like: Tensor) -> Tensor:
    """Return a part of a state as it is kept: of its type, its sign turned where that waited."""
    return leaf.detach().to(like.dtype).resolve_neg().resolve_conj()
