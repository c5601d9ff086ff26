"""What one step is: `Cell`; cells whose state moves linearly: `LinearCell`, `Transition`."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, Generic, NamedTuple, Protocol, TypeVar

import torch
from jaxtyping import Float
from torch import Tensor, nn

from recurra import inputs, tree
from recurra.errors import InputError
from recurra.inputs import Count

S = TypeVar("S", bound=tuple[Any, ...])
T = TypeVar("T")
Draw = Callable[[int], Tensor]  # so many numbers, as they are drawn


def lift(leaf: Tensor) -> Tensor:
    """Return 16-bit numbers as 32-bit ones.

    8 bits round every decay above 0.998 to 1, which forgets nothing: transitions take 32.
    """
    return leaf.float() if leaf.is_floating_point() and leaf.dtype.itemsize < 4 else leaf


class Cell(nn.Module, ABC, Generic[S]):
    """One step of a recurrence: y, state' = step(project(x), state).

    A subclass writes `initial_state` and `step`, and moves into `project` whatever needs no
    state, so that engines compute it for all times at once. The state is a NamedTuple of tensors,
    batch first, whose sizes never depend on time.

    Args:
        input_size: length of x.
        hidden_size: width of the state.
        output_size: length of y; `hidden_size` where it is not given.
    Raises:
        ValueError: a size is not positive.
    """

    input_size: int
    hidden_size: int
    output_size: int

    def __init__(self, input_size: int, hidden_size: int, output_size: int | None = None) -> None:
        super().__init__()
        output_size = hidden_size if output_size is None else output_size
        for name, size in [("input", input_size), ("hidden", hidden_size), ("output", output_size)]:
            if size < 1:
                raise ValueError(f"{name}_size is {size}; a size is at least 1")
        self.input_size, self.hidden_size, self.output_size = input_size, hidden_size, output_size

    @abstractmethod
    def initial_state(self, batch: Count) -> S:
        """Return the state before the first step, for `batch` rows."""

    def project(self, x: Float[Tensor, "*axes input"]) -> Float[Tensor, "*axes projected"]:
        """Return the part of a step that needs no state; any leading axes."""
        return x

    @abstractmethod
    def step(self, u: Float[Tensor, "batch projected"], state: S) -> tuple[Tensor, S]:
        """Return the output of one step, and the state after it. The definition of the cell."""

    def forward(
        self, x: Float[Tensor, "batch input"], state: S | None = None
    ) -> tuple[Float[Tensor, "batch output"], S]:
        """Take one step from the raw input.

        Raises:
            TypeError, ValueError: x or the state is of another structure, shape, type or place.
        """
        like, owner = inputs.weight(self), type(self).__name__
        inputs.numbers(owner, "x", x, ("batch", self.input_size), like)
        if state is None:
            state = self.initial_state(x.shape[0])
        else:
            inputs.state(self, state, x.shape[0], like)
        return self.step(self.project(x), state)

    def remember(self, bias: Draw, *, opposed: bool = False) -> None:
        """Start the forget gates at these biases: from nothing, a step keeps σ(bias) of the state.

        Args:
            bias: of so many units, one each, as they are drawn.
            opposed: an input gate of its own gets −bias; where not, none.
        Raises:
            InputError: the cell has no forget gate.
        """
        raise InputError(f"{type(self).__name__} has no forget gate whose bias could be set")

    def zeros(self, *sizes: Count) -> Tensor:
        """Return zeros of the dtype and on the device of the cell's weights."""
        like = inputs.weight(self)
        assert like is not None
        return torch.zeros(sizes, dtype=like.dtype, device=like.device)

    def extra_repr(self) -> str:
        """Show the sizes."""
        return f"{self.input_size}, {self.hidden_size}"


class Transition(Protocol):
    """A map of the state onto itself that composes: a monoid acting on states.

    Written as a NamedTuple of tensors over [batch ...] or [batch time ...].
    (a.then(b)).apply(s) = b.apply(a.apply(s)), and `then` is associative.
    """

    def then(self: T, later: T) -> T:
        """Return the one transition that does what `self` and then `later` do."""
        ...

    def apply(self, state: Any) -> Any:
        """Return the state after this transition."""
        ...


class Affine(NamedTuple):
    """h ← decay ⊙ h + inject, for a state with one tensor."""

    decay: Tensor
    inject: Tensor

    def then(self, later: Affine) -> Affine:
        """Compose: decay₂ decay₁, decay₂ inject₁ + inject₂."""
        return Affine(
            later.decay * self.decay, torch.addcmul(later.inject, later.decay, self.inject)
        )

    def apply(self, state: Any) -> Any:
        """Return decay ⊙ h + inject."""
        return type(state)(torch.addcmul(self.inject, self.decay, state[0]))


class Rotation(NamedTuple):
    """h ← decay ⊙ h + inject over complex numbers, for a state with two tensors: Re h and Im h."""

    decay_re: Tensor
    decay_im: Tensor
    inject_re: Tensor
    inject_im: Tensor

    def then(self, later: Rotation) -> Rotation:
        """Compose as `Affine` does, over complex numbers."""
        inject_re, inject_im = later._act(self.inject_re, self.inject_im)
        return Rotation(
            later.decay_re * self.decay_re - later.decay_im * self.decay_im,
            later.decay_re * self.decay_im + later.decay_im * self.decay_re,
            inject_re,
            inject_im,
        )

    def apply(self, state: Any) -> Any:
        """Return decay ⊙ h + inject."""
        return type(state)(*self._act(state[0], state[1]))

    def _act(self, re: Tensor, im: Tensor) -> tuple[Tensor, Tensor]:
        return (
            self.decay_re * re - self.decay_im * im + self.inject_re,
            self.decay_re * im + self.decay_im * re + self.inject_im,
        )


class LinearCell(Cell[S]):
    """A cell whose state moves by transitions: `step` is written here, once for all of them.

    A subclass writes `transition` and `read`; both take any leading axes ([batch ...] or
    [batch time ...]), so one formula serves the single step and every parallel engine.
    """

    @abstractmethod
    def transition(self, u: Float[Tensor, "*axes projected"]) -> Any:
        """Return the `Transition` of each step from its projected input, 32-bit or longer."""

    @abstractmethod
    def read(self, u: Float[Tensor, "*axes projected"], state: S) -> Float[Tensor, "*axes output"]:
        """Return the output from the state after the step."""

    def step(
        self, u: Float[Tensor, "batch projected"], state: S
    ) -> tuple[Float[Tensor, "batch output"], S]:
        """Apply the transition once, and read."""
        after = self.transition(lift(u)).apply(tree.map(lift, state))
        after = tree.map(lambda new, old: new.to(old.dtype), after, state)
        return self.read(u, after), after
