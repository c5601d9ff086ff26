"""The scan engine beyond the laws: what it keeps, recomputes, and counts."""

from collections.abc import Callable
from typing import Any, NamedTuple

import pytest
import torch
from torch import Tensor
from torch.func import functional_call

from recurra import tree
from recurra.cells import MLSTM, Cell, MinGRU, MinGRUState
from recurra.engines import scan, unroll
from recurra.layers import Recurrent


class Counted(NamedTuple):
    """Affine, counting."""

    decay: Tensor
    inject: Tensor

    def then(self, later: Any) -> Any:
        CALLS.append(self.decay.numel())
        return Counted(self.decay * later.decay, later.decay * self.inject + later.inject)

    def apply(self, state: Any) -> Any:
        CALLS.append(self.decay.numel())
        return MinGRUState(self.decay * state[0] + self.inject)


CALLS: list[int] = []


class OwnTransition(MinGRU):
    """A cell from outside: the engine does not know its transition."""

    def transition(self, u: Tensor) -> Any:
        return Counted(*super().transition(u))


class OwnRead(OwnTransition):
    """A cell whose weights are needed again when a segment is computed again."""

    def read(self, u: Tensor, state: MinGRUState) -> Tensor:
        return torch.tanh(state.h * self.bias[: self.hidden_size])


def calls(time: int) -> list[int]:
    CALLS.clear()
    with torch.no_grad():
        unroll(OwnTransition(2, 3), torch.randn(2, time, 2), engine="scan")
    return list(CALLS)


def test_work_is_linear_in_time_and_depth_is_not() -> None:
    short, long = calls(512), calls(8 * 512)
    assert sum(long) < 8.5 * sum(short)
    assert len(long) < 2 * len(short)


def gradients(cell: Cell[Any], x: Tensor, engine: str, **options: Any) -> list[Tensor]:
    torch.manual_seed(1)
    y, last = unroll(cell, x, engine=engine, **options)
    loss = (y * torch.randn(y.shape).to(y)).sum() + sum(leaf.sum() for leaf in tree.leaves(last))
    return list(torch.autograd.grad(loss, list(cell.parameters())))


@pytest.mark.parametrize("kind", [MLSTM, OwnTransition])
def test_segments_change_nothing(
    kind: Callable[..., Cell[Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scan, "SEGMENT", 1)  # 16 steps each
    torch.manual_seed(0)
    cell, x = kind(3, 4).double(), torch.randn(3, 50, 3).double()
    for lengths in (None, torch.tensor([50, 0, 17])):
        want = gradients(cell, x, "loop", lengths=lengths)
        for one, other in zip(gradients(cell, x, "scan", lengths=lengths), want, strict=True):
            torch.testing.assert_close(one, other, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("segment", [1, 2**22])
@pytest.mark.parametrize("kind", [MLSTM, MinGRU, OwnRead])
def test_replaced_weights_are_those_of_the_gradient(
    kind: Callable[..., Cell[Any]], segment: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scan, "SEGMENT", segment)
    torch.manual_seed(0)
    cell, other = kind(3, 4).double(), kind(3, 4).double()
    for parameter in other.parameters():
        parameter.data.add_(torch.randn_like(parameter))
    weights = {f"cell.{name}": value for name, value in other.named_parameters()}
    x = torch.randn(2, 40, 3).double()
    y, _ = functional_call(Recurrent(cell, engine="scan"), weights, (x,))
    expected, _ = unroll(other, x, engine="loop")
    wanted = torch.autograd.grad(expected.sin().sum(), list(other.parameters()))
    for got, want in zip(
        torch.autograd.grad(y.sin().sum(), list(weights.values())), wanted, strict=True
    ):
        torch.testing.assert_close(got, want, rtol=1e-9, atol=1e-9)


def kept(cell: Cell[Any], x: Tensor) -> int:
    """Return how many numbers the graph holds for its gradient."""
    storages: dict[int, int] = {}

    def pack(tensor: Tensor) -> Tensor:
        storages[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes() // 4
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        y, _ = unroll(cell, x, engine="scan")
    assert y.requires_grad
    return sum(storages.values())


def test_states_within_a_segment_are_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    cell, x = MLSTM(4, 32, heads=1), torch.randn(1, 256, 4)
    states = 256 * 32 * 32
    assert kept(cell, x) > states
    monkeypatch.setattr(scan, "SEGMENT", 16 * 32 * 32)
    assert kept(cell, x) < states / 2


@pytest.mark.parametrize("lengths", [None, torch.tensor([40, 3])], ids=["full", "lengths"])
@pytest.mark.parametrize("kind", [MLSTM, MinGRU])
def test_the_last_state_does_not_hold_the_others(
    kind: Callable[..., Cell[Any]], lengths: Tensor | None
) -> None:
    _, last = unroll(kind(3, 4), torch.randn(2, 40, 3), lengths=lengths, engine="scan")
    for leaf in tree.leaves(last):
        assert leaf.untyped_storage().nbytes() == leaf.numel() * leaf.element_size()


def test_a_long_sequence_has_an_exact_gradient() -> None:
    torch.manual_seed(0)
    cell, x = MinGRU(4, 8, time_scale=1000.0), torch.randn(2, 4096, 4)
    got = gradients(cell, x, "scan")
    want = gradients(cell.double(), x.double(), "scan")
    for one, other in zip(got, want, strict=True):
        assert one.isfinite().all()
        assert (one - other).abs().max() <= 1e-5 * other.abs().max()


@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode])
@pytest.mark.parametrize("kind", [MLSTM, MinGRU])
def test_without_gradients(kind: Callable[..., Cell[Any]], mode: Callable[[], Any]) -> None:
    cell, x = kind(3, 4), torch.randn(2, 40, 3)
    with mode():
        y, _ = unroll(cell, x, engine="scan")
        torch.testing.assert_close(y, unroll(cell, x, engine="loop")[0], rtol=1e-5, atol=1e-5)
    assert not y.requires_grad


def test_autocast_keeps_the_state_in_its_own_precision() -> None:
    cell, x = MinGRU(3, 4), torch.randn(2, 40, 3)
    with torch.autocast("cpu", torch.bfloat16):
        y, state = unroll(cell, x, engine="scan")
        want, _ = unroll(cell, x, engine="loop")
    assert state.h.dtype == torch.float32
    torch.testing.assert_close(y, want, rtol=1e-2, atol=1e-2)
