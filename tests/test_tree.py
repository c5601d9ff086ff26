"""States as trees of tensors."""

from typing import Any, NamedTuple

import pytest
import torch
from torch import Tensor

from recurra import tree


class Pair(NamedTuple):
    h: Any
    c: Tensor


A, B, C = (torch.full((1,), float(i)) for i in range(3))
STATE = (Pair(A, B), Pair((C, A), B))


def test_map_keeps_the_kinds_of_tuples_and_takes_the_leaves_beside() -> None:
    found = tree.map(lambda one, other: one + 10 * other, STATE, STATE)
    assert type(found) is tuple
    assert [type(part) for part in found] == [Pair, Pair]
    assert found == tree.map(lambda leaf: 11 * leaf, STATE)
    other = tree.map(torch.zeros_like, STATE)
    assert tree.map(lambda one, two: one - two, STATE, other) == STATE
    with pytest.raises(ValueError, match="zip"):
        tree.map(lambda one, _: one, STATE, STATE[:1])


def test_leaves_and_names_are_left_to_right() -> None:
    assert [float(leaf) for leaf in tree.leaves(STATE)] == [0, 1, 2, 0, 1]
    assert tree.names(STATE) == ["0.h", "0.c", "1.h.0", "1.h.1", "1.c"]
    assert tree.names(A) == ["state"]
    assert tree.unflatten(STATE, tree.leaves(STATE)) == STATE
