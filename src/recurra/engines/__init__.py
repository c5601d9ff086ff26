"""HOW a cell is unrolled: `unroll` with the fastest engine that takes the cell, or a named one."""

from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from recurra import inputs, tree
from recurra.cells import CELLS
from recurra.cells.base import Cell
from recurra.engines.background import begin
from recurra.engines.base import WRITER, Engine, Lengths, nothing, traced
from recurra.engines.graph import GRAPH
from recurra.engines.hooks import around, hooked
from recurra.engines.loop import LOOP
from recurra.engines.native import NATIVE
from recurra.engines.native.library import multiplies_bfloat16
from recurra.engines.scan import SCAN
from recurra.engines.table import Shape, Table, gpu, in_force, user_file, write
from recurra.engines.triton import TRITON
from recurra.engines.vendor import VENDOR
from recurra.errors import EngineRefused, InputTypeError, unknown

PREFERENCE: tuple[Engine, ...] = (NATIVE, TRITON, SCAN, VENDOR, GRAPH, LOOP)
# on a GPU, vendor first: it takes no more than what cuDNN has; elsewhere, what computes there
ON_CUDA: tuple[Engine, ...] = (VENDOR, TRITON, SCAN, GRAPH, LOOP)
ELSEWHERE: tuple[Engine, ...] = (NATIVE, SCAN, VENDOR, LOOP)
_BY_NAME = {engine.name: engine for engine in PREFERENCE}

SHORT = 3  # steps up to which `loop` starts sooner than the others are done

__all__ = ["PREFERENCE", "Engine", "adopt", "choose", "order", "reread", "survey", "unroll"]


def choose(
    cell: Cell[Any], x: Tensor, name: str | None = None, *, ragged: bool = False, state: Any = ()
) -> Engine:
    """Return the engine for this cell and input, or the one named.

    Without a name, the first that takes cell and input, of these:

        full rows, a cell of the package, not float64           the fastest, where it was measured
        up to 3 steps                                           loop
        float32 on the CPU, where the native library is built   native, for all that it has kernels
        on a GPU, exactly LSTM, GRU, Elman                      vendor
        on a GPU, where Triton is installed                     triton, for all that it has kernels
        any LinearCell                                          scan
        exactly LSTM, GRU, Elman                                vendor
        on a GPU, any whose step is kernels alone               graph
        any                                                     loop

    The first line is the table of measurements (`recurra engines` says whose): it holds the cells,
    shapes and modes (with or without gradients) at which another engine than the rest of this list
    says is faster; the nearest shape counts. Where none was made on a processor like this one, the
    first such choice has one measured in the background, for the processes that come after; a GPU
    has the table that `recurra engines --measure` made on its like, or none. Only float32 rows of
    the CPU have one; a GPU's, of 16 bits too, which count as those under autocast. Rows
    of unequal lengths are no part of it: native computes nothing beyond them, and the others do.

    With a name, that engine or an error: never another one silently.

    Args:
        cell: the recurrence.
        x: inputs, batch first; its shape, type and place count.
        name: the engine asked for.
        ragged: whether rows have lengths of their own.
        state: where to go on from; what its tensors are counts too.
    Raises:
        EngineRefused: the engine asked for by name cannot run this cell here.
        RecurraError: there is no engine of this name.
    """
    writer = WRITER.get() if torch.compiler.is_exporting() else None
    if writer is not None and writer.refuse(cell, x) is None:
        return writer
    if name is None:
        engines = order(x.shape[1], x.device.type)
        if not ragged and not traced() and (mode := _mode(x)):
            sizes = x.shape[0], x.shape[1], cell.hidden_size
            where = torch.get_num_threads(), gpu(x.device)
            engines = _measured(type(cell), mode, sizes, *where)
        for engine in engines:
            if (reason := _refuse(engine, cell, x, state)) is None:
                return engine
        # the last of them is `loop`, which refuses what no engine can do
        raise EngineRefused(f"no engine can run {type(cell).__name__} here: {reason}")
    named = _BY_NAME.get(name)
    if named is None:
        raise unknown("engine", name, list(_BY_NAME))
    reason = _refuse(named, cell, x, state)
    if reason is not None:
        raise EngineRefused(f"engine {name} cannot run {type(cell).__name__}: {reason}")
    return named


def _refuse(engine: Engine, cell: Cell[Any], x: Tensor, state: Any) -> str | None:
    reason = engine.refuse(cell, x)
    if reason is None and engine.by_memory:
        return next(filter(None, map(inputs.impure, tree.leaves(state))), None)
    return reason


def order(time: int, place: str = "cpu") -> tuple[Engine, ...]:
    """Return the engines in the order of preference on a kind of device, if nothing was measured.

    Triton's interpreter and tapes run on the CPU, but are no choice there.
    """
    engines = ON_CUDA if place == "cuda" else ELSEWHERE
    # a graph of any number of steps is not asked for it, and so bound to one
    return (LOOP, *engines) if type(time) is int and time <= SHORT else engines


def _mode(x: Tensor) -> str | None:
    """Return the mode of tables that a pass over x belongs to, if any does."""
    place = x.device.type
    short = place == "cuda" and x.dtype.itemsize == 2
    if place not in ("cpu", "cuda") or not (short or x.dtype == torch.float32):
        return None
    mode = "train" if torch.is_grad_enabled() else "forward"
    return mode + " bfloat16" * (short or torch.is_autocast_enabled(place))


@lru_cache(maxsize=4096)
def _measured(
    kind: type[Cell[Any]], mode: str, sizes: Shape, threads: int, gpu: str
) -> tuple[Engine, ...]:
    """Return the engines in the order of preference, before them the fastest at these sizes."""
    engines = order(sizes[1], "cuda" if gpu else "cpu")
    if kind not in CELLS:  # a class of the user's may have the name of one of them
        return engines
    if "bfloat16" in mode and not (gpu or multiplies_bfloat16()):  # nor was it measured then
        return engines
    found = in_force(threads, gpu)
    if found.source == "no" and not gpu:
        begin(threads)
    fastest = found.table.engine(kind.__name__, mode, sizes)
    return (_BY_NAME[fastest], *engines) if fastest in _BY_NAME else engines


def adopt(table: Table) -> Path:
    """Store a table as the user's own of its device, and choose by it from now on; return its file.

    Raises:
        OSError: the disk refuses.
    """
    path = user_file(table.gpu)
    write(path, table)
    reread()
    return path


def reread() -> None:
    """Read the table of measurements again when it is next asked for."""
    in_force.cache_clear()
    _measured.cache_clear()


def survey(place: str = "cpu") -> list[tuple[str, dict[str, str | None], str]]:
    """Return, for each of `CELLS`: its name, each engine's reason against it, the engine chosen.

    Args:
        place: the kind of device.
    """
    rows = []
    for kind in CELLS:
        cell, x = kind(4, 4).to(place), torch.zeros(1, SHORT + 1, 4, device=place)
        reasons = {engine.name: engine.refuse(cell, x) for engine in PREFERENCE}
        rows.append((kind.__name__, reasons, choose(cell, x).name))
    return rows


def unroll(
    cell: Cell[Any],
    x: Float[Tensor, "batch time input"],
    state: Any = None,
    *,
    lengths: Lengths = None,
    engine: str | None = None,
) -> tuple[Float[Tensor, "batch time output"], Any]:
    """Run a cell over a sequence.

    Args:
        cell: the recurrence.
        x: inputs; what lies beyond a row's length changes nothing, not even as NaN.
        state: where to go on from; None starts from `cell.initial_state`.
        lengths: valid steps of each row, 0 allowed, cut at the time of x; None: all.
        engine: the engine's name; None chooses. A named engine runs or is refused, and is
            never replaced.
    Returns:
        Outputs (zero beyond lengths), and the state after each row's last step.
    Raises:
        TypeError, ValueError: a value is of another structure, shape, type or place than the cell
            takes.
        RecurraError: there is no such engine, it cannot run this, or the cell has backward hooks.
    """
    state, lengths = checked(cell, x, state, lengths)
    run = partial(_run, cell, lengths, engine)
    return around(cell, run, x, state) if hooked(cell) else run(x, state)


def checked(cell: Cell[Any], x: Tensor, state: Any, lengths: Lengths) -> tuple[Any, Lengths]:
    """Return the state to begin from, and the lengths where a row is short, all of them checked.

    Raises:
        TypeError, ValueError: a value is of another structure, shape, type or place than the cell
            takes.
    """
    if not isinstance(cell, Cell):
        raise InputTypeError(f"unroll takes a recurra Cell; got a {type(cell).__name__}")
    like = inputs.weight(cell)
    inputs.numbers(type(cell).__name__, "x", x, ("batch", "time", cell.input_size), like)
    if state is None:
        state = cell.initial_state(x.shape[0])
    else:
        inputs.state(cell, state, x.shape[0], like)
    return state, inputs.short(lengths, x)


def _run(
    cell: Cell[Any], lengths: Lengths, engine: str | None, x: Tensor, state: Any
) -> tuple[Tensor, Any]:
    chosen = choose(cell, x, engine, ragged=lengths is not None, state=state)
    if not traced() and 0 in x.shape[:2]:
        return nothing(cell, x, state)
    if lengths is not None:
        lengths = lengths.to(x.device, torch.int64).clamp(min=0, max=x.shape[1])
        if not chosen.packs:
            beyond = torch.arange(x.shape[1], device=x.device) >= lengths[:, None]
            x = x.masked_fill(beyond[..., None], 0)
    try:
        return chosen.run(cell, x, state, lengths)
    except EngineRefused:  # found out on the way; it refuses from now on
        if engine is not None or chosen.refuse(cell, x) is None:
            raise
    return _run(cell, lengths, None, x, state)
