"""One function per law: it raises AssertionError, with what it saw, where a cell breaks it."""

import copy
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from recurra import tree
from recurra.cells.base import Cell
from recurra.engines import unroll
from recurra.testing.measure import (
    BATCH,
    TIME,
    close,
    difference,
    everything,
    kind,
    named,
    place,
    prepared,
    same,
)

# Steps, and lengths, for which engines are compared: 67 is several blocks of 16 and a rest.
CASES = ((1, None), (2, [2, 1, 0]), (TIME, None), (67, None), (67, [67, 33, 0]))


def law_step_keeps_the_state(cell: Cell[Any], engine: str, dtype: torch.dtype) -> None:
    """One step keeps the state's type, shapes and dtype, for 0, 1 and 3 rows, at any time.

    The state keeps its dtype under autocast too, which shortens some products to 16 bits.
    """
    with prepared(cell, dtype) as (cell, x, _):
        for batch in (0, 1, BATCH):
            state = before = cell.initial_state(batch)
            for _ in range(3):
                y, state = cell(torch.randn(batch, cell.input_size).to(x), state)
                same("output", kind(y), f"{[batch, cell.output_size]} {dtype}")
                same("type of the state", type(state).__name__, type(before).__name__)
                for name, new, old in named(state, before):
                    same(f"state {name}", kind(new), kind(old))
        with torch.autocast(x.device.type, torch.bfloat16):
            _, state = cell(torch.randn(BATCH, cell.input_size).to(x), before)
        for name, new, old in named(state, before):
            same(f"state {name} under autocast", kind(new), kind(old))


def law_step_exports(cell: Cell[Any], engine: str, dtype: torch.dtype) -> None:
    """torch.export takes the step, and the exported graph equals it, for other numbers of rows."""
    with prepared(cell, dtype) as (cell, x, state), torch.no_grad():
        rows = torch.export.Dim("rows", min=1)
        flat = tree.leaves(state)
        graph = torch.export.export(
            _FlatStep(cell, state),
            (x[:, 0], *flat),
            dynamic_shapes={"x": {0: rows}, "flat": tuple({0: rows} for _ in flat)},
        ).module()
        for batch in (BATCH, 1):
            inputs = [part[:batch] for part in (x[:, 0], *flat)]
            expected = _FlatStep(cell, state)(*inputs)
            for i, (got, want) in enumerate(zip(graph(*inputs), expected, strict=True)):
                close(f"exported output {i}, {batch} rows", got, want, dtype)


class _FlatStep(nn.Module):
    """A cell's step on the leaves of its state."""

    def __init__(self, cell: Cell[Any], like: Any) -> None:
        super().__init__()
        self.cell, self.like = cell, like

    def forward(self, x: Tensor, *flat: Tensor) -> list[Tensor]:
        y, state = self.cell(x, tree.unflatten(self.like, list(flat)))
        return [y, *tree.leaves(state)]


def law_engine_equals_loop(cell: Cell[Any], engine: str, dtype: torch.dtype) -> None:
    """Outputs, last state and all gradients are those of `loop`, from a state that is not zero.

    In 16 bits `loop` itself may be far off (its gradients by a third, where a cell divides):
    there the engine may be, beside the tolerance, three times as far off as `loop` is.
    """
    if engine == "loop":
        return
    with prepared(cell, dtype) as (cell, x, state):
        exact_cell = copy.deepcopy(cell).double()
        exact_state = tree.map(lambda leaf: leaf.double(), state)
        for time, lengths in CASES:
            x_long = x.repeat(1, -(-time // TIME), 1)[:, :time]
            case = f"{time} steps" + ("" if lengths is None else f", lengths {lengths}")
            left = None if lengths is None else torch.tensor(lengths, device=x.device)
            expected = everything(cell, x_long, state, left, "loop")
            exact = expected
            if dtype.itemsize < 4:
                exact = everything(exact_cell, x_long.double(), exact_state, left, "loop")
            for name, got in everything(cell, x_long, state, left, engine).items():
                slack = 3 * difference(expected[name], exact[name])
                close(f"{name} ({case})", got, expected[name], dtype, slack)


def law_any_cut_gives_the_same(cell: Cell[Any], engine: str, dtype: torch.dtype) -> None:
    """Two parts, the second from the state of the first, are the whole: a stream is a sequence."""
    with prepared(cell, dtype) as (cell, x, state), torch.no_grad():
        whole, last = unroll(cell, x, state, engine=engine)
        for cut in range(TIME + 1):
            left, middle = unroll(cell, x[:, :cut], state, engine=engine)
            right, end = unroll(cell, x[:, cut:], middle, engine=engine)
            case = f"cut after {cut} of {TIME} steps"
            close(f"output, {case}", torch.cat([left, right], 1), whole, dtype)
            for name, got, want in named(end, last):
                close(f"state {name}, {case}", got, want, dtype)


def law_rows_do_not_see_each_other(cell: Cell[Any], engine: str, dtype: torch.dtype) -> None:
    """A row alone, and a row beside NaN, is what it is in a batch; no rows give no rows."""
    with prepared(cell, dtype) as (cell, x, state), torch.no_grad():
        y, last = unroll(cell, x, state, engine=engine)
        for row in range(BATCH):
            one = slice(row, row + 1)
            alone = unroll(
                cell, x[one], tree.map(lambda leaf, one=one: leaf[one], state), engine=engine
            )
            ill = torch.full_like(x, torch.nan)
            ill[one] = x[one]
            beside = tree.map(
                lambda leaf, one=one: leaf[one], unroll(cell, ill, state, engine=engine)
            )
            for case, (got, end) in (("alone", alone), ("beside NaN", beside)):
                close(f"output of row {row} {case}", got, y[one], dtype)
                for name, leaf, want in named(end, last):
                    close(f"state {name} of row {row} {case}", leaf, want[one], dtype)
        none, _ = unroll(cell, x[:0], tree.map(lambda leaf: leaf[:0], state), engine=engine)
        same("output of 0 rows", list(none.shape), [0, TIME, cell.output_size])


def law_nothing_beyond_lengths(cell: Cell[Any], engine: str, dtype: torch.dtype) -> None:
    """What lies beyond a row's length, NaN too, changes no output, state or gradient."""
    lengths = torch.tensor([TIME - 2, 0, 1], device=place(cell))
    with prepared(cell, dtype) as (cell, x, state):
        beyond = torch.arange(TIME, device=x.device) >= lengths[:, None]
        got = everything(cell, x.masked_fill(beyond[..., None], torch.nan), state, lengths, engine)
        same("outputs beyond lengths", got["output"][beyond].abs().sum().item(), 0.0)
        same("gradients beyond lengths", got["gradient of x"][beyond].abs().sum().item(), 0.0)
        total: dict[str, Tensor] = {}
        for row, length in enumerate(lengths.tolist()):
            one = slice(row, row + 1)
            rows = tree.map(lambda leaf, one=one: leaf[one], state)
            part = everything(cell, x[one, :length], rows, None, engine, one)
            for name, want in part.items():
                if name.startswith("gradient of parameter"):
                    total[name] = total.get(name, 0) + want
                elif name in ("output", "gradient of x"):
                    close(
                        f"{name}, row {row} of length {length}",
                        got[name][one, :length],
                        want,
                        dtype,
                    )
                else:
                    close(f"{name}, row {row} of length {length}", got[name][one], want, dtype)
        for name, want in total.items():
            close(name, got[name], want, dtype)


Law = Callable[[Cell[Any], str, torch.dtype], None]

STEP_LAWS: tuple[Law, ...] = (law_step_keeps_the_state, law_step_exports)
LAWS: tuple[Law, ...] = (
    *STEP_LAWS,
    law_engine_equals_loop,
    law_any_cut_gives_the_same,
    law_rows_do_not_see_each_other,
    law_nothing_beyond_lengths,
)
