import pytest
import torch

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
