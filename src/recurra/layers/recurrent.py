"""One cell over a sequence."""

from collections.abc import Callable
from functools import partial
from typing import Any

from jaxtyping import Float, Int
from torch import Tensor
from torch.func import functional_call

from recurra.cells.base import Cell
from recurra.engines import unroll
from recurra.engines.branch import branch
from recurra.engines.hooks import observed
from recurra.errors import InputError, InputTypeError
from recurra.inputs import Count
from recurra.layers.base import Layer
from recurra.layers.chunks import Called, Way, check_chunks, clipped, recomputed
from recurra.layers.dropout import check_rate, drop


class Recurrent(Layer):
    """A cell, unrolled over time by an engine.

        h_t = f(x_t, m ⊙ U, h_{t−1})      m ~ Bernoulli(1 − weight_drop) / (1 − weight_drop)

    Weight drop: Merity et al. 2017, https://arxiv.org/abs/1708.02182, section 2. One mask over the
    cell's `from_state` is drawn per call and kept for all its steps and rows; in evaluation the
    weight is whole. The engine gets the dropped weight, once, in place of the weight, so every
    engine runs it. Clipping at the state: of derivatives within the recurrence, Graves 2013,
    https://arxiv.org/abs/1308.0850, section 2; by norm and between chunks of steps here, as every
    engine can.

    Args:
        cell: what one step is.
        engine: the engine's name; None chooses the fastest that takes the cell.
        weight_drop: share of recurrent weights dropped in training.
        checkpoint_every: for the gradient keep the state after every so many steps, and compute
            the rest of a chunk again on the way back: less memory for about a third more time.
            0: keep all; -1: chunks of √T steps.
        clip_state: largest norm, of each row, of the gradient that flows back into the state that
            each `clip_every` steps begin from; 0: as it comes. Outputs do not depend on it.
        clip_every: steps between; 1, at each step, makes fused kernels a loop.
    Raises:
        ValueError: weight_drop is not in [0, 1), or the cell has no weight `from_state` to drop;
            checkpoint_every, clip_state or clip_every is no such number, or a checkpoint would lie
            between two clippings.
    """

    def __init__(
        self,
        cell: Cell[Any],
        *,
        engine: str | None = None,
        weight_drop: float = 0.0,
        checkpoint_every: int = 0,
        clip_state: float = 0.0,
        clip_every: int = 16,
    ) -> None:
        super().__init__()
        if not isinstance(cell, Cell):
            raise InputTypeError(f"Recurrent takes a recurra Cell; got a {type(cell).__name__}")
        if check_rate("weight_drop", weight_drop) and "from_state" not in dict(
            cell.named_parameters(recurse=False)
        ):
            raise ValueError(
                f"weight_drop is {weight_drop}, but {type(cell).__name__} has no recurrent weight "
                "`from_state` to drop; leave weight_drop at 0, or drop outputs instead"
            )
        check_chunks(checkpoint_every, clip_state, clip_every)
        self.cell, self.engine, self.weight_drop = cell, engine, weight_drop
        self.checkpoint_every = checkpoint_every
        self.clip_state, self.clip_every = clip_state, clip_every
        self.input_size, self.output_size = cell.input_size, cell.output_size

    def initial_state(self, batch: Count) -> Any:
        """Return the cell's."""
        return self.cell.initial_state(batch)

    def forward(
        self,
        x: Float[Tensor, "batch time input"],
        state: Any = None,
        *,
        lengths: Int[Tensor, "batch"] | None = None,
    ) -> tuple[Float[Tensor, "batch time output"], Any]:
        """Unroll the cell."""
        way: Way = partial(unroll, engine=self.engine)
        if self.clip_state:
            way = partial(clipped, way, self.clip_state, self.clip_every)
        if self.checkpoint_every:
            multiple = self.clip_every if self.clip_state else 1
            way = partial(recomputed, way, self.checkpoint_every, multiple)
        found: tuple[Tensor, Any] = self._run(way, x, state, lengths=lengths)
        return found

    def branch(
        self, x: Float[Tensor, "some branches input"], state: Any
    ) -> Float[Tensor, "batch branches output"]:
        """Take one step of the cell from each row's state, for each of several inputs."""
        if observed(self):
            return super().branch(x, state)
        found: Tensor = self._run(partial(branch, engine=self.engine), x, state)
        return found

    def _run(self, way: Callable[..., Any], *args: Any, **options: Any) -> Any:
        if not self.training or self.weight_drop == 0:
            return way(self.cell, *args, **options)
        if "from_state" not in self.cell._parameters:
            raise InputError(
                f"weight_drop is {self.weight_drop}, but `from_state` of "
                f"{type(self.cell).__name__} is made of other weights (by a hook or "
                "parametrization) and is not dropped; set weight_drop to 0"
            )
        weight = self.cell.get_parameter("from_state")
        dropped = {"cell.from_state": drop(weight, self.weight_drop)}
        return functional_call(Called(self.cell, way), dropped, args, options)

    def extra_repr(self) -> str:
        """Show what was chosen."""
        names = ["engine", "weight_drop", "checkpoint_every", "clip_state"]
        options = {name: getattr(self, name) for name in names}
        return ", ".join(f"{name}={value!r}" for name, value in options.items() if value)


def as_layer(part: Layer | Cell[Any]) -> Layer:
    """Return a layer as it is, and a cell as a `Recurrent`.

    Raises:
        TypeError: it is neither.
    """
    if isinstance(part, Layer):
        return part
    if isinstance(part, Cell):
        return Recurrent(part)
    raise TypeError(f"{type(part).__name__} is neither a recurra Layer nor a Cell")
