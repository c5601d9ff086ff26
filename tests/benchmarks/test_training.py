"""The loops beside which a whole training run is timed: one model, one loss, every row once."""

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from recurra.benchmarks.peers import plain_torch
from recurra.benchmarks.peers.classifier import Packed, Padded, PaddedThrough
from recurra.benchmarks.question import Settings
from recurra.benchmarks.questions.training import Amount, Run, answer, compared
from recurra.data.readers.tabular import TextLabel
from recurra.data.vocabulary import words
from recurra.tasks.run import complete
from recurra.tasks.sentiment import SENTIMENT, build, fit

TEXTS = ["a b c d e f g", "b", "c d a", "g f e d c b", "a a"]
ROWS = [TextLabel(text, str(len(words(text)) % 2), "") for text in TEXTS]
COMMON: dict[str, Any] = {
    "question": "training",
    "part": "gru",
    "cell": "GRU",
    "shape": (32, 0, 64, 128),
    "threads": 1,
    "engine": "automatic",
}


def recipe(cell: str, **fields: Any) -> Any:
    given = {"data": "x", "hidden": 7, "embedding": 5, "dropout": 0.0, "word_dropout": 0.0}
    return complete(SENTIMENT, {**given, "cell": cell, **fields})


@pytest.mark.parametrize("cell", ["lstm", "gru"])
@pytest.mark.parametrize("kind", [Packed, Padded])
def test_a_peer_has_recurras_loss_and_gradients(kind: Any, cell: str):
    given = recipe(cell)
    codec = fit(ROWS, given)
    network: Any = build(codec, given)
    model = kind(len(codec.vocabulary), 2, given)
    model.copy_from(network)
    items = [codec.encode(row) for row in ROWS]
    loss = network.loss(codec.collate(items))
    (loss.total / loss.count).backward()
    x, lengths, labels = plain_torch.collate(items)
    theirs = nn.functional.cross_entropy(model(x, lengths), labels)
    theirs.backward()
    torch.testing.assert_close(theirs, loss.total / loss.count, atol=1e-6, rtol=1e-5)
    for mine, other in ((network.embed.table, model.table), (network.pool.hidden, model.hidden)):
        torch.testing.assert_close(other.weight.grad, mine.weight.grad, atol=1e-6, rtol=1e-4)


@pytest.mark.parametrize("kind", [Packed, Padded, PaddedThrough])
def test_padding_changes_a_row_only_where_it_is_read(kind: Any):
    torch.manual_seed(0)
    given = recipe("lstm")
    model = kind(9, 2, given).eval()
    row = torch.tensor([[3, 4, 5]])
    padded = nn.functional.pad(row, (0, 4))
    alone, beside = (model(x, torch.tensor([3])) for x in (row, padded))
    same = torch.allclose(alone, beside, atol=1e-6)
    assert same is (kind is not PaddedThrough)


def test_an_epoch_has_every_row_once_in_batches_of_near_lengths():
    torch.manual_seed(0)
    lengths = torch.randint(1, 50, (203,)).tolist()
    batches = plain_torch.buckets(lengths, 8)
    assert sorted(row for batch in batches for row in batch) == list(range(203))
    assert sorted(map(len, batches)) == [3] + [8] * 25
    waste = sum(max(lengths[i] for i in batch) * len(batch) for batch in batches) / sum(lengths)
    assert waste < 1.15
    assert plain_torch.buckets(lengths, 8) != batches


def test_more_rows_than_a_window_are_still_shuffled_between_windows():
    lengths = list(range(plain_torch.TOGETHER * 2 + 2))
    batches = plain_torch.buckets(lengths, 1)
    assert sorted(batches) == [[row] for row in lengths]
    first = plain_torch.buckets(lengths, 2)
    assert max(abs(a - b) for a, *rest in first for b in rest) > 1


def test_accuracy_is_the_share_of_right_rows_in_any_order():
    class Long(nn.Module):
        def forward(self, x: torch.Tensor, lengths: torch.Tensor) -> torch.Tensor:
            assert not torch.is_grad_enabled()
            return nn.functional.one_hot((lengths > 2).long(), 2)

    items = [
        (torch.ones(n, dtype=torch.long), torch.tensor(label))
        for n, label in [(1, 0), (5, 1), (4, 0), (2, 1), (9, 1)] * 40
    ]
    model = Long()
    assert plain_torch.accuracy(model, items) == pytest.approx(3 / 5)
    assert not model.training


@pytest.mark.parametrize("loop", plain_torch.LOOPS)
def test_a_loop_learns(loop: plain_torch.Loop):
    torch.manual_seed(0)
    rows = [TextLabel("good fine" if i % 2 else "bad", str(i % 2), "") for i in range(64)]
    given = recipe("gru", epochs=3, batch_size=8, learning_rate=0.05)
    codec = fit(rows, given)
    items = [codec.encode(row) for row in rows]
    sizes = len(codec.vocabulary), 2
    assert plain_torch.train(loop, given, sizes, items, items, items) == 1.0


def test_times_and_accuracies_are_set_beside_each_other():
    ours, theirs = [Run(2.0, 0.8), Run(4.0, 0.9)], [Run(6.0, 0.7), Run(6.0, 0.8)]
    times, accuracies = compared(COMMON, "a loop", ours, theirs, Amount(6000, 100))
    assert (times.ratio, times.ours_ms, times.peer_ms) == (2.0, 3000.0, 6000.0)
    assert times.verdict == "aim"
    assert "2,000 against 1,000 tokens/s" in times.note
    assert accuracies.ratio == pytest.approx(0.85 / 0.75)
    assert accuracies.verdict == "reached"
    worse = list(compared(COMMON, "a loop", theirs, ours, Amount(6000, 10_000)))
    assert [found.verdict for found in worse] == ["MISSED", "MISSED"]


def test_every_loop_has_a_row_of_time_and_of_accuracy(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    folder = tmp_path / "sst2"
    folder.mkdir()
    lines = "".join(f"{'good' if i % 2 else 'bad'} film {i % 5}\t{i % 2}\n" for i in range(40))
    for name in ("train", "dev", "test"):
        (folder / f"{name}.tsv").write_text("sentence\tlabel\n" + lines)
    rows = list(answer("gru", Settings(threads=1, quick=True, data=tmp_path)))
    names = [loop.name for loop in plain_torch.LOOPS]
    assert [row.peer for row in rows] == [x for n in names for x in (n, f"{n}: its accuracy")]
    assert all(row.ratio > 0 for row in rows)
