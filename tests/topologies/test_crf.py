"""The CRF against enumeration of all paths."""

from itertools import product

import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st

from recurra.topologies import CRF, Softmax

torch.set_num_threads(1)


def make(tags: int, seed: int, *, masked: bool, requires_grad: bool = True) -> CRF:
    generator = torch.Generator().manual_seed(seed)

    def mask(*shape: int) -> torch.Tensor | None:
        return torch.rand(shape, generator=generator) < 0.3 if masked else None

    crf = CRF(
        tags, forbidden=mask(tags, tags), forbidden_start=mask(tags), forbidden_end=mask(tags)
    )
    for weight in crf.parameters():
        weight.data = torch.randn(weight.shape, generator=generator)
    return crf.double().requires_grad_(requires_grad)


def score(crf: CRF, scores: torch.Tensor, path: tuple[int, ...]) -> float:
    """The definition, in scalars; −∞ where the path takes what is forbidden."""
    if not path:
        return 0.0
    if crf.forbids_start[path[0]] or crf.forbids_end[path[-1]]:
        return -torch.inf
    total = float(crf.start[path[0]] + crf.end[path[-1]])
    for t, tag in enumerate(path):
        total += float(scores[t, tag])
        if t:
            if crf.forbids[path[t - 1], tag]:
                return -torch.inf
            total += float(crf.transitions[path[t - 1], tag])
    return total


def enumerate_paths(crf: CRF, scores: torch.Tensor) -> dict[tuple[int, ...], float]:
    time, tags = scores.shape
    return {path: score(crf, scores, path) for path in product(range(tags), repeat=time)}


@given(
    tags=st.integers(1, 3),
    lengths=st.lists(st.integers(0, 4), min_size=1, max_size=3),
    seed=st.integers(0, 10_000),
    masked=st.booleans(),
)
@example(tags=3, lengths=[4, 2, 1, 2, 3, 1, 2, 2], seed=0, masked=False)
@example(tags=3, lengths=[4, 2, 1, 2, 3, 1, 2, 2], seed=1, masked=True)
@settings(max_examples=40, deadline=None)
def test_equals_enumeration(tags: int, lengths: list[int], seed: int, masked: bool) -> None:
    crf = make(tags, seed, masked=masked, requires_grad=False)
    generator = torch.Generator().manual_seed(seed + 1)
    shape = len(lengths), max(lengths), tags
    scores = torch.randn(shape, generator=generator, dtype=torch.float64, requires_grad=True)
    log_z = crf.log_partition(scores, torch.tensor(lengths))
    (gradient,) = torch.autograd.grad(log_z.sum(), scores)
    decoded = crf.decode(scores, torch.tensor(lengths))
    for row, length in enumerate(lengths):
        paths = enumerate_paths(crf, scores[row, :length].detach())
        values = torch.tensor(list(paths.values()), dtype=torch.float64)
        assert len(decoded[row]) == length
        if values.max() == -torch.inf:  # the masks left no path at all
            continue
        torch.testing.assert_close(log_z[row].detach(), values.logsumexp(0))
        assert paths[tuple(decoded[row])] == pytest.approx(float(values.max()), abs=1e-9)
        marginals = torch.zeros_like(gradient[row])
        for path, p in zip(paths, values.softmax(0), strict=True):
            for t, tag in enumerate(path):
                marginals[t, tag] += p
        torch.testing.assert_close(gradient[row], marginals)


def test_likelihoods_of_all_paths_sum_to_one() -> None:
    crf = make(3, 1, masked=False)
    scores = torch.randn(1, 3, 3, dtype=torch.float64)
    paths = torch.tensor(list(product(range(3), repeat=3)))
    losses = [crf.loss(scores, path[None], torch.tensor([3])).total for path in paths]
    assert float(torch.stack(losses).neg().exp().sum().detach()) == pytest.approx(1)


def test_smoothing_mixes_in_a_uniform_path() -> None:
    crf, lengths, tags = make(3, 2, masked=False), torch.tensor([3]), torch.tensor([[2, 0, 1]])
    scores = torch.randn(1, 3, 3, dtype=torch.float64)
    paths = torch.tensor(list(product(range(3), repeat=3)))
    uniform = torch.stack([crf.loss(scores, path[None], lengths).total for path in paths]).mean()
    expected = 0.9 * crf.loss(scores, tags, lengths).total + 0.1 * uniform
    torch.testing.assert_close(crf.loss(scores, tags, lengths, 0.1).total, expected)


def test_smoothing_leaves_forbidden_transitions_out() -> None:
    crf = CRF(2, forbidden=torch.tensor([[False, True], [False, False]]))
    loss = crf.loss(
        torch.zeros(1, 2, 2), torch.zeros(1, 2, dtype=torch.int64), torch.tensor([2]), 0.1
    )
    assert float(loss.total.detach()) < 10


@pytest.mark.parametrize("output", [make(3, 3, masked=False), Softmax()], ids=["CRF", "Softmax"])
@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_padding_changes_nothing(output: CRF | Softmax, smoothing: float) -> None:
    lengths, tags = torch.tensor([0, 1, 3]), torch.randint(3, (3, 3))
    scores = torch.randn(3, 3, 3, dtype=torch.float64)
    beyond = torch.arange(3) >= lengths[:, None]
    fill = 7.0 if isinstance(output, Softmax) else torch.nan

    def run(scores: torch.Tensor, tags: torch.Tensor) -> tuple[torch.Tensor, ...]:
        scores = scores.clone().requires_grad_()
        loss = output.loss(scores, tags, lengths, smoothing)
        assert int(loss.count) == 4
        return loss.total, *torch.autograd.grad(loss.total, [scores, *output.parameters()])

    clean = run(scores, tags)
    dirty = run(scores.masked_fill(beyond[..., None], fill), tags.masked_fill(beyond, -7))
    torch.testing.assert_close(dirty, clean)
    assert [len(path) for path in output.decode(scores, lengths)] == [0, 1, 3]


def test_a_batch_of_empty_rows() -> None:
    scores, lengths = torch.zeros(2, 0, 3), torch.tensor([0, 0])
    for output in (CRF(3), Softmax()):
        loss = output.loss(scores, torch.zeros(2, 0, dtype=torch.int64), lengths)
        assert float(loss.total) == 0
        assert int(loss.count) == 0
        assert output.decode(scores, lengths) == [[], []]


@pytest.mark.parametrize(
    ("tags", "mask"), [(0, None), (3, torch.zeros(2, 3, dtype=torch.bool))], ids=["none", "shape"]
)
def test_refuses(tags: int, mask: torch.Tensor | None) -> None:
    with pytest.raises((ValueError, TypeError)):
        CRF(tags, forbidden=mask)
