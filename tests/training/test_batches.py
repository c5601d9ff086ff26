import itertools

import pytest
import torch
from torch import nn

from recurra.errors import RecurraError
from recurra.training.batches import Batches, lengths, load, placed, ranks
from tests.training.tiny import Batch, collate, rows


def sizes(n: int) -> list[int]:
    return torch.randint(1, 200, (n,), generator=torch.Generator().manual_seed(3)).tolist()


def test_every_row_once_an_epoch_in_another_order_each_time():
    batches = Batches(sizes(103), 8, seed=0)
    first, second = list(batches), list(batches)
    assert len(batches) == len(first) == 13
    for epoch in first, second:
        assert sorted(row for batch in epoch for row in batch) == list(range(103))
    assert first != second
    assert {frozenset(batch) for batch in first} != {frozenset(batch) for batch in second}
    assert list(Batches(sizes(103), 8, seed=0)) == first
    assert list(Batches(sizes(103), 8, seed=1)) != first


def test_little_is_padded_and_batches_come_in_random_order():
    size = sizes(4000)
    whole = Batches(size, 32, seed=0).order(0)
    longest = [max(size[row] for row in batch) for batch in whole]
    padded = sum(top * len(batch) for top, batch in zip(longest, whole, strict=True))
    assert padded < 1.1 * sum(size)  # rows in random order: about 1.9
    rising = sum(a < b for a, b in itertools.pairwise(longest)) / len(longest)
    assert 0.3 < rising < 0.7


def test_rows_near_in_one_tensor_are_near_in_the_next():
    random = torch.Generator().manual_seed(1)
    sources = torch.randint(8, 16, (8000,), generator=random)
    targets = sources + torch.randint(-4, 5, (8000,), generator=random)
    items = [
        (torch.zeros(n), torch.tensor(0), torch.zeros(m))
        for n, m in zip(sources, targets, strict=True)
    ]

    def padded(keys, sizes):
        whole = Batches(keys, 32, seed=0).order(0)
        return sum(int(sizes[rows].max()) * len(rows) for rows in whole) / int(sizes.sum())

    assert padded(ranks(items), sources) < 1.1
    assert padded(ranks(items), targets) < 1.15  # sorted by sources alone: 1.25
    assert padded(sources.tolist(), targets) > 1.2


@pytest.mark.parametrize("processes", [2, 3])
def test_processes_share_every_batch(processes):
    whole = Batches(sizes(50), 7, seed=4).order(0)
    shares = [list(Batches(sizes(50), 7, 4, rank, processes)) for rank in range(processes)]
    assert len({len(share) for share in shares}) == 1
    for batch, *parts in zip(whole, *shares, strict=True):
        assert sorted(batch) == sorted(row for part in parts for row in part)


def test_a_process_may_have_no_rows():
    items = rows(5)
    batches = Batches(lengths(items), 2, 0, rank=1, processes=2)
    loaded = list(load(items, collate, batches, pin=False))
    assert len(loaded) == 3
    assert [batch for own, batch in loaded if not own] == [None]


@pytest.mark.parametrize("stop", range(13))
def test_loader_goes_on_where_it_was(stop):
    items = rows(17)

    def loader():
        batches = Batches(lengths(items), 3, seed=1)
        return batches, load(items, collate, batches, pin=False)

    def take(batches, loaded, epochs):
        taken = []
        while batches.epoch < epochs:
            for own, batch in loaded:
                taken.append((own, batch))
                yield own
        return taken

    whole = list(take(*loader(), 3))
    batches, loaded = loader()
    steps = take(batches, loaded, 3)
    begun = [next(steps) for _ in range(stop)]
    state = loaded.state_dict() if stop else {}
    batches, loaded = loader()
    loaded.load_state_dict(state)
    assert begun + list(take(batches, loaded, 3)) == whole


def test_loader_leaves_the_training_generator_alone():
    items = rows(5)
    loader = load(items, collate, Batches(lengths(items), 2, 0), pin=False)
    before = torch.get_rng_state()
    list(loader)
    assert torch.equal(before, torch.get_rng_state())


def test_no_rows_is_an_error():
    with pytest.raises(RecurraError, match="no rows"):
        lengths([])


def test_placed_takes_the_precision_of_the_network():
    batch = Batch(torch.ones(2, 3, 3), torch.tensor([3, 2]), torch.ones(2, 3))
    moved = placed((batch, None), nn.Linear(3, 3).double())
    assert moved[1] is None
    assert isinstance(moved[0], Batch)
    assert moved[0].x.dtype == torch.float64
    assert moved[0].lengths.dtype == torch.int64
