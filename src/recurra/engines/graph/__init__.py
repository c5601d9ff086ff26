"""Any cell's steps as CUDA graphs: one launch for a chunk of them, forward and backward."""

from collections import OrderedDict
from collections.abc import Hashable
from typing import Any
from weakref import WeakKeyDictionary

import torch
from jaxtyping import Float
from torch import Tensor, nn

from recurra import tree
from recurra.cells.base import Cell
from recurra.engines.base import Engine, Lengths, traced
from recurra.engines.graph.examine import examine
from recurra.engines.graph.layer import play
from recurra.engines.graph.player import Player
from recurra.engines.graph.recorder import unrecorded
from recurra.engines.graph.replica import fingerprint, tensors
from recurra.engines.hooks import observed
from recurra.errors import EngineRefused
from recurra.inputs import impure, transformed

MOST = 8  # recordings kept of a cell; the one used longest ago goes first

# of each cell that lives: its recordings, or why there is none
PLAYERS: WeakKeyDictionary[Cell[Any], OrderedDict[Hashable, Player]] = WeakKeyDictionary()
REASONS: WeakKeyDictionary[Cell[Any], dict[Hashable, str | None]] = WeakKeyDictionary()


def run(
    cell: Cell[Any], x: Float[Tensor, "batch time input"], state: Any, lengths: Lengths
) -> tuple[Float[Tensor, "batch time output"], Any]:
    """Unroll by replaying what was recorded of the cell's steps at this size."""
    u, given, leaves = cell.project(x), tensors(cell), tree.leaves(state)
    train = torch.is_grad_enabled() and any(t.requires_grad for t in (u, *leaves, *given))
    try:
        player = _player(cell, u, state, ragged=lengths is not None, train=train)
    except EngineRefused as error:
        REASONS.setdefault(cell, {})[_conditions(cell, x)] = str(error)
        raise
    y, last = play(player, lengths, u, leaves, given)
    return y, tree.unflatten(state, last)


def _player(cell: Cell[Any], u: Tensor, state: Any, *, ragged: bool, train: bool) -> Player:
    """Return the recordings for this size, made where there are none."""
    sizes = u.shape[0], u.shape[2:], u.dtype
    leaves = tuple((leaf.shape, leaf.dtype) for leaf in tree.leaves(state))
    key = sizes, leaves, ragged, train, _conditions(cell, u)
    players = PLAYERS.setdefault(cell, OrderedDict())
    if key not in players:
        while len(players) >= MOST:
            players.popitem(last=False)
        players[key] = Player(cell, u, state, ragged=ragged, train=train)
    players.move_to_end(key)
    return players[key]


def _conditions(cell: Cell[Any], x: Tensor) -> Hashable:
    """Return what decides which kernels a step runs, beside its sizes."""
    place = x.device.type
    cast = torch.is_autocast_enabled(place) and torch.get_autocast_dtype(place)
    exact = torch.are_deterministic_algorithms_enabled()
    return fingerprint(cell), x.dtype, x.device, cast, exact, _products()


def _products() -> Hashable:
    """Return how exact torch's products of matrices are to be on cuda."""
    matmul = torch.backends.cuda.matmul
    return (
        matmul.fp32_precision,
        matmul.allow_bf16_reduced_precision_reduction,
        matmul.allow_fp16_reduced_precision_reduction,
    )


def refuse(cell: Cell[Any], x: Tensor) -> str | None:
    """Refuse what is not on cuda, and cells whose step does more than kernels."""
    if traced():
        return "recordings are of kernels that run, and a traced graph runs none"
    if transformed():
        return "recordings have no rules for vmap and derivatives of torch.func"
    if reason := unrecorded(x.device) or impure(x):
        return reason
    if any(value.device != x.device for value in tensors(cell)):
        return f"the input is on {x.device}, and a tensor of the cell elsewhere"
    if reason := _unseen(cell):
        return reason
    reasons, key = REASONS.setdefault(cell, {}), _conditions(cell, x)
    if key not in reasons:
        if len(reasons) >= MOST:
            reasons.clear()
        reasons[key] = examine(cell, x)
    return reasons[key]


def _unseen(cell: nn.Module) -> str | None:
    """Return whose hooks a recording would leave out, or None."""
    for part in cell.modules():
        if "parametrizations" in part._modules:
            return f"weights of {type(part).__name__} are made of others by a parametrization"
        if part is not cell and observed(part):
            return f"a {type(part).__name__} within the cell has hooks, which would not be called"
    return None


GRAPH = Engine("graph", run, refuse)
