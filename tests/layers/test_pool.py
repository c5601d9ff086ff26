import copy

import pytest
import torch
from torch import nn
from torch.nn.utils import prune

from recurra.engines.native import missing
from recurra.engines.native.rows import Rows
from recurra.layers import AttentionPool, Last, Max, Mean

LENGTHS = torch.tensor([6, 3, 0, 1])
POOLS = {"last": Last, "mean": Mean, "max": Max, "attention": lambda: AttentionPool(4)}


def naive(pool, y, lengths):
    result = torch.zeros(len(y), y.shape[2], dtype=y.dtype)
    for row, length in enumerate(lengths.tolist()):
        frames = [y[row, t] for t in range(length)]
        if not frames:
            continue
        if isinstance(pool, Last):
            result[row] = frames[-1]
        elif isinstance(pool, Mean):
            result[row] = sum(frames) / len(frames)
        elif isinstance(pool, Max):
            for frame in frames[1:]:
                frames[0] = torch.maximum(frames[0], frame)
            result[row] = frames[0]
        else:
            u = [torch.tanh(pool.hidden.weight @ f + pool.hidden.bias) for f in frames]
            scores = [torch.exp(pool.to_score.weight[0] @ each) for each in u]
            result[row] = sum(s * f for s, f in zip(scores, frames, strict=True)) / sum(scores)
    return result


@pytest.mark.parametrize("make", POOLS.values(), ids=POOLS.keys())
def test_it_is_the_loop(make):
    torch.manual_seed(0)
    pool = make().double()
    y = torch.randn(4, 6, 4, dtype=torch.float64) - 3  # a maximum below 0 is no padding's zero
    torch.testing.assert_close(pool(y, LENGTHS), naive(pool, y, LENGTHS))
    torch.testing.assert_close(pool(y), naive(pool, y, torch.full((4,), 6)))


@pytest.mark.parametrize("make", POOLS.values(), ids=POOLS.keys())
def test_what_lies_beyond_lengths_changes_nothing(make):
    torch.manual_seed(0)
    pool = make().double()
    beyond = torch.arange(6) >= LENGTHS[:, None]
    clean = torch.randn(4, 6, 4, dtype=torch.float64)
    results = []
    for filler in [0.0, torch.nan]:
        y = clean.masked_fill(beyond[..., None], filler).requires_grad_()
        pool.zero_grad()
        pooled = pool(y, LENGTHS)
        pooled.square().sum().backward()
        results.append([pooled, y.grad, *(p.grad for p in pool.parameters())])
    torch.testing.assert_close(results[1], results[0])
    assert not results[0][0][2].any()
    assert not results[0][1][beyond].any()
    assert results[0][1][~beyond].any()


@pytest.mark.parametrize("lengths", [None, torch.tensor([0, 0])], ids=["full", "lengths"])
@pytest.mark.parametrize("make", POOLS.values(), ids=POOLS.keys())
def test_no_frames_give_zeros(make, lengths):
    pooled = make()(torch.zeros(2, 0, 4), lengths)
    assert pooled.shape == (2, 4)
    assert not pooled.any()


@pytest.mark.parametrize("make", POOLS.values(), ids=POOLS.keys())
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16], ids=str)
def test_half_precision_stays_half(make, dtype):
    pooled = make().to(dtype)(torch.randn(4, 6, 4).to(dtype), LENGTHS)
    assert pooled.dtype == dtype
    assert pooled.isfinite().all()


def test_attention_tells_its_weights():
    torch.manual_seed(0)
    pool = AttentionPool(4)
    y = torch.randn(4, 6, 4)
    weights = pool.weights(y, LENGTHS)
    torch.testing.assert_close(weights.sum(dim=1), (LENGTHS > 0).float())
    torch.testing.assert_close((weights[..., None] * y).sum(dim=1), pool(y, LENGTHS))


def test_sizes_are_positive():
    with pytest.raises(ValueError, match="size is 0"):
        AttentionPool(0)


@pytest.fixture
def native_calls(monkeypatch):
    """The kernels that are called, in their order."""
    if reason := missing():
        pytest.skip(reason)
    names, call = [], Rows.call
    monkeypatch.setattr(
        Rows, "call", lambda rows, name, *given: (names.append(name), call(rows, name, *given))[1]
    )
    return names


def gradients(pool, y, lengths, again=False):
    y = y.clone().requires_grad_()
    pooled = pool(y, lengths)
    wanted = [y, *pool.parameters()]
    found = torch.autograd.grad(pooled.square().sum(), wanted, create_graph=again)
    if again:
        size = sum(grad.square().sum() for grad in found)
        found = torch.autograd.grad(size, wanted)
    return [pooled, *found]


@pytest.mark.parametrize("again", [False, True], ids=["once", "twice"])
@pytest.mark.parametrize("lengths", [None, torch.tensor([33, 9, 0, 1, 20])], ids=["full", "ragged"])
@pytest.mark.parametrize("size", [1, 7, 48])
def test_native_attention_is_torchs(size, lengths, again, native_calls):
    torch.manual_seed(0)
    pool, y = AttentionPool(size), torch.randn(33, 5, size).transpose(0, 1)
    nn.init.normal_(pool.to_score.weight)
    ours = gradients(pool, y, lengths, again)
    assert "pool_forward" in native_calls
    assert again or "pool_backward" in native_calls
    exact = gradients(copy.deepcopy(pool).double(), y.double(), lengths, again)
    for mine, right in zip(ours, exact, strict=True):
        error = (mine - right).abs().max() / right.abs().max().clamp(min=1)
        assert error < (1e-5 if again else 2e-6)


def test_a_second_backward_pass_is_the_first(native_calls):
    torch.manual_seed(0)
    pool, y = AttentionPool(8), torch.randn(3, 5, 8, requires_grad=True)
    loss = pool(y).square().sum()
    first, second = (
        torch.autograd.grad(loss, [y, *pool.parameters()], retain_graph=again)
        for again in (True, False)
    )
    assert native_calls.count("pool_backward") == 2
    assert all(torch.equal(a, b) for a, b in zip(first, second, strict=True))


def test_frozen_parts_get_no_gradient(native_calls):
    pool, y = AttentionPool(8), torch.randn(3, 5, 8)
    pool.hidden.requires_grad_(False)
    pool(y).sum().backward()
    assert pool.hidden.weight.grad is None
    assert pool.to_score.weight.grad.any()
    assert "pool_backward" in native_calls


class Rectified(nn.Linear):
    def forward(self, x):
        return super().forward(x).relu()


SEEN = {
    "a hook": lambda pool: pool.hidden.register_forward_hook(lambda *_: torch.zeros(3, 5, 8)),
    "a pruned weight": lambda pool: prune.random_unstructured(pool.hidden, "weight", 0.5),
    "a parametrized weight": lambda pool: nn.utils.parametrizations.weight_norm(pool.to_score),
    "another map": lambda pool: setattr(pool, "hidden", Rectified(8, 8)),
    "other sizes": lambda pool: (
        setattr(pool, "hidden", type(pool.hidden)(8, 3)),
        setattr(pool, "to_score", nn.Linear(3, 1, bias=False)),
    ),
    "no bias": lambda pool: setattr(pool, "hidden", type(pool.hidden)(8, 8, bias=False)),
}


@pytest.mark.parametrize("change", SEEN.values(), ids=SEEN.keys())
def test_what_changes_its_maps_is_heeded(change, native_calls):
    pool, y = AttentionPool(8), torch.randn(3, 5, 8)
    change(pool)
    scores = pool.to_score(torch.tanh(pool.hidden(y))).squeeze(-1)
    torch.testing.assert_close(pool(y), (scores.softmax(1)[..., None] * y).sum(1))
    assert "pool_forward" not in native_calls


def test_native_attention_is_not_for_all_numbers(native_calls):
    pool, y = AttentionPool(8), torch.randn(3, 5, 8)
    with torch.autocast("cpu", torch.bfloat16):
        pool(y)
    torch.func.vmap(pool)(torch.randn(2, 3, 5, 8))
    torch.func.jvp(pool, (y,), (y,))
    pool.double()(y.double())
    assert "pool_forward" not in native_calls
