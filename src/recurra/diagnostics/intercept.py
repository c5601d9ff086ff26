"""Every call of a recurrent layer, whoever wrote the model, as one thing: a cell reads steps."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, NamedTuple

from torch import Tensor, nn
from torch.overrides import TorchFunctionMode
from torch.utils.hooks import RemovableHandle

from recurra import inputs, tree
from recurra.cells.base import Cell, LinearCell
from recurra.diagnostics.fused import FUSED, STEPS, Directions, single
from recurra.diagnostics.gates import Gates, of_cell
from recurra.errors import InputError
from recurra.layers.recurrent import Recurrent

NOTHING = "{} was called with no rows or no steps; give a batch that has some"

Run = Callable[[Tensor, Any, Tensor | None], tuple[Tensor, Any]]


class Reader(NamedTuple):
    """A layer in one direction of one depth.

    Args:
        name: of the layer.
        run: x [batch time input], state, lengths → outputs [batch time output], last state.
        last: last input, last state → the last output, made of the state; None: it cannot be.
        gates: x, h before each step → what the gates do; None: not known of this cell.
    """

    name: str
    run: Run
    last: Callable[[Tensor, Any], Tensor] | None
    gates: Callable[[Tensor, Tensor], Gates] | None


class Intercept(TorchFunctionMode, ABC):
    """While active, recurrent layers of a model are read by `read` in place of their own way.

    `torch.nn`'s modules, their cells in a user's loop, and functions that call the same kernels
    are met where they call torch; layers and cells of recurra by hooks, which `close` takes away.
    """

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.current = ""
        self.inside = 0
        self.hooks: list[RemovableHandle] = []
        within = {id(m.cell) for m in model.modules() if isinstance(m, Recurrent)}
        for name, module in model.named_modules():
            name = name or "model"
            if isinstance(module, nn.RNNBase | nn.RNNCellBase):
                self._before(module, name)
            elif isinstance(module, Recurrent) or (
                isinstance(module, Cell) and id(module) not in within
            ):
                self._before(module, name, 1)
                hook = self._layer if isinstance(module, Recurrent) else self._cell
                after = module.register_forward_hook(_named(hook, name), with_kwargs=True)
                self.hooks.append(after)

    def _before(self, module: nn.Module, name: str, deeper: int = 0) -> None:
        def note(*_: Any) -> None:
            self.current = name
            self.inside += deeper

        self.hooks.append(module.register_forward_pre_hook(note))

    def close(self) -> None:
        """Take the hooks away."""
        for hook in self.hooks:
            hook.remove()

    @abstractmethod
    def read(
        self, reader: Reader, x: Tensor, state: Any, lengths: Tensor | None
    ) -> tuple[Tensor, Any]:
        """Return outputs and last state of one call."""

    def __torch_function__(
        self, func: Any, _types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        """Meet the recurrent kernels of torch; all else goes its way."""
        name = getattr(func, "__name__", "")
        if self.inside or kwargs or name not in FUSED | STEPS:
            return func(*args, **(kwargs or {}))
        called, self.current = self.current or name, ""
        if not args[0].numel():
            raise InputError(NOTHING.format(called))
        if name in STEPS:
            reader = Reader(called, *single(func, args))
            state = args[1] if isinstance(args[1], tuple) else (args[1],)
            _, state = self.read(reader, args[0][:, None], tuple(state), None)
            return state if len(state) > 1 else state[0]
        call = Directions.of(func, args)
        return call.run(lambda suffix, *rest: self._direction(called + suffix, *rest))

    def _direction(
        self, name: str, parts: tuple[Any, Any, Any], x: Tensor, state: Any, lengths: Tensor | None
    ) -> tuple[Tensor, Any]:
        return self.read(Reader(name, *parts), x, state, lengths)

    def _layer(
        self, name: str, layer: Recurrent, args: tuple[Any, ...], kwargs: dict[str, Any], _: Any
    ) -> Any:
        """Read again what a layer of recurra has read, by its own engine."""
        given = dict(zip(("x", "state"), args, strict=False)) | kwargs
        x, state = given["x"], given.get("state")
        state = layer.initial_state(x.shape[0]) if state is None else state

        def run(x: Tensor, state: Any, lengths: Tensor | None) -> tuple[Tensor, Any]:
            found: tuple[Tensor, Any] = type(layer).forward(layer, x, state, lengths=lengths)
            return found

        lengths = inputs.short(given.get("lengths"), x)
        return self._ours(Reader(name, run, *_parts(layer.cell)), x, state, lengths)

    def _cell(
        self, name: str, cell: Cell[Any], args: tuple[Any, ...], kwargs: dict[str, Any], _: Any
    ) -> Any:
        """Take again one step that a cell of recurra has taken in a user's loop."""
        given = dict(zip(("x", "state"), args, strict=False)) | kwargs
        x, state = given["x"], given.get("state")
        state = cell.initial_state(x.shape[0]) if state is None else state

        def run(x: Tensor, state: Any, _: Tensor | None) -> tuple[Tensor, Any]:
            y, after = type(cell).forward(cell, x[:, 0], state)
            return y[:, None], after

        y, after = self._ours(Reader(name, run, *_parts(cell)), x[:, None], state, None)
        return y[:, 0], after

    def _ours(self, reader: Reader, x: Tensor, state: Any, lengths: Tensor | None) -> Any:
        if not x.numel():
            raise InputError(NOTHING.format(reader.name))
        try:  # still inside: what the engine asks of torch is not met again
            return self.read(reader, x, state, lengths)
        finally:
            self.inside -= 1
            self.current = ""


def _named(hook: Callable[..., Any], name: str) -> Callable[..., Any]:
    return lambda *args: hook(name, *args)


def _parts(cell: Cell[Any]) -> tuple[Callable[[Tensor, Any], Tensor] | None, Any]:
    """Return how a cell's output is made of its state, and of its gates."""
    gates = of_cell(cell)
    if isinstance(cell, LinearCell):
        return lambda x, state: cell.read(cell.project(x), state), gates
    like = cell.initial_state(1)
    first = tree.leaves(like)[0]
    known = getattr(like, "h", None) is first and first.shape[1:] == (cell.output_size,)
    return (lambda _, state: tree.leaves(state)[0]) if known else None, gates
