"""The laws catch what they are for: each of these cells is broken in one way."""

from typing import Any, NamedTuple

import pytest
import torch
from torch import Tensor

from recurra.cells import LSTM, Cell, LSTMState, MinGRU, MinGRUState
from recurra.errors import EngineRefused
from recurra.testing import check_cell


class Leaks(LSTM):
    """Sees the mean over the rows."""

    def step(self, u: Tensor, state: LSTMState) -> tuple[Tensor, LSTMState]:
        return super().step(u + u.mean(0), state)


class KnowsTheTime(MinGRU):
    """Adds a position to the input."""

    def project(self, x: Tensor) -> Tensor:
        u = super().project(x)
        return u + torch.arange(x.shape[1]).to(u)[:, None] if x.dim() == 3 else u


class Upcasts(LSTM):
    """Hands back another dtype than it was given."""

    def step(self, u: Tensor, state: LSTMState) -> tuple[Tensor, LSTMState]:
        y, after = super().step(u, state)
        return y, LSTMState(after.h, after.c.to(torch.complex64).real)


class Grows(LSTM):
    """Keeps all it has seen."""

    def step(self, u: Tensor, state: LSTMState) -> tuple[Tensor, LSTMState]:
        y, after = super().step(u, LSTMState(*(leaf[:, -5:] for leaf in state)))
        return y, LSTMState(*(torch.cat(both, 1) for both in zip(state, after, strict=True)))


class WrongOrder(NamedTuple):
    """Affine, with the two transitions of `then` in the wrong order."""

    decay: Tensor
    inject: Tensor

    def then(self, later: Any) -> Any:
        return WrongOrder(later.decay * self.decay, self.decay * later.inject + self.inject)

    def apply(self, state: Any) -> Any:
        return type(state)(self.decay * state[0] + self.inject)


class ComposesWrongly(MinGRU):
    def transition(self, u: Tensor) -> Any:
        return WrongOrder(*super().transition(u))


class CountsCalls(MinGRU):
    """Keeps a part of its state to itself."""

    calls = 0

    def transition(self, u: Tensor) -> Any:
        self.calls += 1
        transition = super().transition(u)
        return transition._replace(inject=transition.inject + self.calls)


class Raises(LSTM):
    def step(self, u: Tensor, state: LSTMState) -> tuple[Tensor, LSTMState]:
        raise IndexError("no such gate")


class Branches(MinGRU):
    """Lets Python decide by a number, which no exported graph can."""

    def read(self, u: Tensor, state: MinGRUState) -> Tensor:
        return state.h if state.h.sum() > 0 else 2 * state.h


class NeedsMore(LSTM):
    def __init__(self, input_size: int, hidden_size: int, depth: int) -> None:
        super().__init__(input_size, hidden_size)


def broken(cell: type[Cell[Any]]) -> dict[str, str]:
    results = check_cell(cell, dtypes=[torch.float64])
    return {result.law: result.text for result in results if not result.passed}


@pytest.mark.parametrize(
    ("cell", "law"),
    [
        (Leaks, "rows do not see each other"),
        (KnowsTheTime, "any cut gives the same"),
        (CountsCalls, "any cut gives the same"),
        (Upcasts, "step keeps the state"),
        (Grows, "step keeps the state"),
        (ComposesWrongly, "engine equals loop"),
        (Branches, "step exports"),
    ],
    ids=lambda value: value.__name__ if isinstance(value, type) else None,
)
def test_a_broken_cell_breaks_its_law(cell: type[Cell[Any]], law: str) -> None:
    found = broken(cell)
    assert law in found
    assert "\n" not in found[law]


def test_the_laws_beside_stay_whole() -> None:
    assert set(broken(ComposesWrongly)) == {"engine equals loop"}
    assert set(broken(Leaks)) == {"rows do not see each other", "nothing beyond lengths"}
    assert broken(LSTM) == {}


def test_an_error_in_a_cell_is_a_broken_law_with_its_text() -> None:
    assert "IndexError: no such gate" in broken(Raises)["step keeps the state"]


def test_a_cell_that_cannot_be_made_is_told() -> None:
    (result,) = check_cell(NeedsMore)
    assert not result.passed
    assert "NeedsMore(3, 5) raised TypeError" in result.text


def test_an_engine_by_name_is_refused_not_left_out() -> None:
    with pytest.raises(EngineRefused, match="Leaks derives from LSTM"):
        check_cell(Leaks, engines=["vendor"])


def test_the_cell_given_is_not_changed() -> None:
    cell = MinGRU(3, 5)
    before = {name: value.clone() for name, value in cell.state_dict().items()}
    check_cell(cell, dtypes=[torch.float64], engines=["scan"])
    assert cell.bias.dtype == torch.float32
    assert all(torch.equal(value, before[name]) for name, value in cell.state_dict().items())
