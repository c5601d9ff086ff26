import math

import pytest
import torch

from recurra.layers import AdditiveAttention, MultiplicativeAttention, within

KINDS = {
    "additive": lambda: AdditiveAttention(3, 4, 5),
    "multiplicative": lambda: MultiplicativeAttention(3, 4),
}
LENGTHS = torch.tensor([6, 3, 0, 1])


@torch.no_grad()
def naive_score(attention, q, m) -> float:
    if isinstance(attention, MultiplicativeAttention):
        return float(q @ attention.from_memory.weight @ m)
    hidden = attention.from_query.weight @ q + attention.from_query.bias
    hidden = torch.tanh(hidden + attention.from_memory.weight @ m)
    return float(attention.to_score.weight[0] @ hidden)


@torch.no_grad()
def naive(attention, query, memory, mask):
    contexts, weights = torch.zeros(4, 2, 4).double(), torch.zeros(4, 2, 6).double()
    for row in range(4):
        seen = [j for j in range(6) if mask[row, j]]
        for step in range(2):
            scores = {j: naive_score(attention, query[row, step], memory[row, j]) for j in seen}
            total = sum(math.exp(score) for score in scores.values())
            for j in seen:
                weights[row, step, j] = math.exp(scores[j]) / total
                contexts[row, step] += weights[row, step, j] * memory[row, j]
    return contexts, weights


def inputs():
    torch.manual_seed(0)
    query = torch.randn(4, 2, 3, dtype=torch.float64, requires_grad=True)
    return query, torch.randn(4, 6, 4, dtype=torch.float64, requires_grad=True)


MASKS = {
    "lengths": within(LENGTHS, 6),
    "holes": torch.tensor([[1, 0, 1, 0, 0, 1], [0] * 6, [1] * 6, [0, 0, 0, 0, 0, 1]]).bool(),
}


@pytest.mark.parametrize("mask", MASKS.values(), ids=MASKS.keys())
@pytest.mark.parametrize("make", KINDS.values(), ids=KINDS.keys())
def test_it_is_the_softmax_written_out(make, mask):
    query, memory = inputs()
    attention = make().double()
    torch.testing.assert_close(
        attention(query, memory, mask), naive(attention, query, memory, mask)
    )


@pytest.mark.parametrize("make", KINDS.values(), ids=KINDS.keys())
def test_no_mask_is_a_mask_that_hides_nothing(make):
    query, memory = inputs()
    attention = make().double()
    everywhere = torch.ones(4, 6, dtype=torch.bool)
    torch.testing.assert_close(attention(query, memory), attention(query, memory, everywhere))
    torch.testing.assert_close(attention(query, memory)[1].sum(-1), torch.ones(4, 2).double())


@pytest.mark.parametrize("make", KINDS.values(), ids=KINDS.keys())
def test_what_is_hidden_changes_nothing_and_gets_no_gradient(make):
    attention = make().double()
    mask = MASKS["lengths"]
    results = []
    for filler in [0.0, torch.nan]:
        query, memory = inputs()
        attention.zero_grad()
        with torch.autograd.set_detect_anomaly(True):
            context, weights = attention(query, memory.masked_fill(~mask[..., None], filler), mask)
            (context.square().sum() + weights.square().sum()).backward()
        gradients = [query.grad, memory.grad, *(p.grad for p in attention.parameters())]
        assert all(gradient.isfinite().all() for gradient in gradients)
        results.append([context, weights, *gradients])
    torch.testing.assert_close(results[0], results[1])
    assert not results[0][0][2].any()  # the row of length 0
    assert not results[0][1][2].any()


@pytest.mark.parametrize("make", KINDS.values(), ids=KINDS.keys())
def test_a_memory_without_positions_gives_zeros(make):
    context, weights = make()(torch.randn(2, 3, 3), torch.zeros(2, 0, 4))
    assert context.shape == (2, 3, 4)
    assert not context.any()
    assert weights.shape == (2, 3, 0)


@pytest.mark.parametrize("make", KINDS.values(), ids=KINDS.keys())
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16], ids=str)
def test_half_precision_hides_as_well(make, dtype):
    query, memory = (each.detach().to(dtype) for each in inputs())
    context, weights = make().to(dtype)(query, memory, MASKS["lengths"])
    assert context.dtype == dtype
    assert context.isfinite().all()
    assert not weights[~MASKS["lengths"][:, None].expand_as(weights)].any()


def test_steps_do_not_see_each_other():
    query, memory = inputs()
    attention = AdditiveAttention(3, 4, 5).double()
    whole, _ = attention(query, memory, MASKS["lengths"])
    single, _ = attention(query[:, 1:], memory, MASKS["lengths"])
    torch.testing.assert_close(whole[:, 1:], single)


@pytest.mark.parametrize("sizes", [(0, 4, 5), (3, 0, 5), (3, 4, 0)], ids=str)
def test_sizes_are_positive(sizes):
    with pytest.raises(ValueError, match="_size is 0; a size is at least 1"):
        AdditiveAttention(*sizes)
