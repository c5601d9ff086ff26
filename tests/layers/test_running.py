"""A running pool is the pool of every beginning."""

import pytest
import torch
from torch import nn

from recurra.layers import AttentionPool, Last, Max, Mean, Running
from recurra.streaming import Stream

SIZE, TIME = 3, 8
LENGTHS = torch.tensor([8, 3, 0])
POOLS = [Last(), Mean(), Max(), AttentionPool(SIZE)]


def named(pool: nn.Module) -> str:
    return type(pool).__name__


@pytest.mark.parametrize("pool", POOLS, ids=named)
@pytest.mark.parametrize("lengths", [None, LENGTHS], ids=["full", "lengths"])
def test_each_step_is_the_pool_of_the_steps_so_far(pool, lengths):
    torch.manual_seed(0)
    x = torch.randn(3, TIME, SIZE) - 1
    y = Running(pool, SIZE)(x, lengths=lengths)[0]
    for t in range(1, TIME + 1):
        live = torch.full((3,), t) if lengths is None else lengths.clamp(max=t)
        wanted = pool(x[:, :t], live)
        if lengths is not None:
            wanted = wanted * (lengths >= t)[:, None]
        torch.testing.assert_close(y[:, t - 1], wanted, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("pool", POOLS, ids=named)
def test_a_stream_of_it_is_the_whole_and_any_cut_is_too(pool):
    torch.manual_seed(0)
    layer, x = Running(pool, SIZE), torch.randn(2, TIME, SIZE)
    whole, last = layer(x)
    first, state = layer(x[:, :3])
    rest, state = layer(x[:, 3:], state)
    torch.testing.assert_close(torch.cat([first, rest], 1), whole)
    torch.testing.assert_close(tuple(state), tuple(last))
    stream = Stream(layer, 2)
    for t in range(TIME):
        torch.testing.assert_close(stream.step(x[:, t]), whole[:, t])


def test_large_scores_do_not_overflow():
    pool = AttentionPool(SIZE)
    with torch.no_grad():
        pool.to_score.weight.fill_(1e3)
        pool.hidden.weight.copy_(torch.eye(SIZE) * 5)
    x = torch.randn(1, TIME, SIZE)
    y = Running(pool, SIZE)(x)[0]
    assert y.isfinite().all()
    torch.testing.assert_close(y[:, -1], pool(x), rtol=1e-4, atol=1e-5)


def test_it_has_the_pools_own_weights_and_other_pools_are_refused():
    pool = AttentionPool(SIZE)
    assert next(Running(pool, SIZE).parameters()) is next(pool.parameters())
    with pytest.raises(TypeError, match="pool is a Linear"):
        Running(nn.Linear(2, 2), 2)
    with pytest.raises(ValueError, match="size is 2"):
        Running(pool, 2)
