"""Rows of the fields that disturb training, and training only."""

import itertools
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from recurra.data.readers.conll import Tagged
from recurra.errors import RecurraError
from recurra.layers import Recurrent
from recurra.tasks.catalogue import TASKS
from recurra.tasks.evaluation import mean_loss
from recurra.tasks.task import Task
from recurra.training.stepper import Stepper
from tests.training import tiny
from tests.training.test_fit import train as train_tiny

from .conftest import Lab, Seen, bodies, random, watch_cells
from .table import proves, proves_for_all


def dropped(before: Tensor, after: Tensor, rate: float) -> float:
    """Return the share of zeros after dropout; what is kept is scaled, nothing else is changed."""
    zero = (after == 0) & (before != 0)
    assert torch.allclose(after[~zero], before[~zero] / (1 - rate), atol=1e-6)
    return float(zero[before != 0].float().mean())


def places(task: Task, network: Any) -> list[tuple[str, nn.Module, nn.Module]]:
    """Return between which modules features are dropped: from, to."""
    if task.name == "image_classification":
        return [("encoded", network.encoder[1], network.encoder[3])]
    found = []
    for i, body in enumerate(bodies(network)):
        found.append((f"layers {i}", body.layers[0], body.layers[1]))
    return found


@proves("dropout")
def test_dropout_drops_between_layers_and_before_the_output_in_training_only(task: Task, lab: Lab):
    rate = 0.4
    deep = {} if task.name == "image_classification" else {"layers": 2, "variational": False}
    network = lab.build(task, dropout=rate, hidden=32, embedding=32, **deep)
    spots = places(task, network)
    modules: dict[str, nn.Module] = {}
    for name, source, target in spots:
        modules |= {f"{name} out": source, f"{name} in": target}
    seen = Seen(**modules)
    batch = lab.batch(task, 12)
    network.eval()
    with torch.no_grad():
        first, second = network.loss(batch).total, network.loss(batch).total
    assert torch.equal(first, second)
    for name, _, _ in spots:
        assert torch.equal(seen.x[f"{name} in"][0][0], seen.y[f"{name} out"][0])
    network.train()
    network.loss(batch)
    trained = 2 * len(seen.y[f"{spots[0][0]} out"]) // 3  # a loss may run a body more than once
    for body in bodies(network):  # the first layer reads what the stack is given
        x = random(2, 4, body.input_size)
        own = Seen(first=body.layers[0])
        body(x)
        assert torch.equal(own.x["first"][0][0], x)
    for name, _, _ in spots:
        share = dropped(seen.y[f"{name} out"][trained], seen.x[f"{name} in"][trained][0], rate)
        assert abs(share - rate) < 0.08


@proves("dropout", "forecasting")
def test_dropout_stands_before_the_output_of_segments(task: Task, lab: Lab):
    network = lab.build(task, dropout=0.4, hidden=256)
    seen, written, branch = Seen(head=network.head), list[Tensor](), network.body.branch
    network.body.branch = lambda *given: written.append(branch(*given)) or written[-1]
    for training in (True, False):
        network.train(training)
        network.loss(lab.batch(task, 12))
    assert abs(dropped(written[0], seen.x["head"][0][0], 0.4) - 0.4) < 0.05
    assert torch.equal(written[1], seen.x["head"][1][0])


EMBEDDED = [task.name for task in TASKS if task.name != "forecasting"]


@proves("dropout", *EMBEDDED)
def test_dropout_stands_before_the_output_and_after_embeddings(task: Task, lab: Lab):
    network = lab.build(task, dropout=0.4, hidden=64, embedding=32)
    head = network.decoder.to_logits if hasattr(network, "decoder") else network.head[-1]
    # one step of a cell, a pool or a body, or with attention the vector made of both
    decoder = getattr(network, "decoder", None)
    if decoder is None:
        source: nn.Module = getattr(network, "pool", getattr(network, "body", None)) or network.cell
    else:
        source = decoder.body
    front = getattr(getattr(network, "body", None), "layers", [head])[0]
    front = network.embed[1] if task.name == "polyphonic_music" else front
    seen = Seen(
        head=head, source=source, front=front, body=bodies(network)[-1] if bodies(network) else head
    )
    batch = lab.batch(task, 12)
    network.train()
    network.loss(batch)
    y = seen.y["source"][0]
    if decoder is not None and decoder.attention is not None:
        zeros = float((seen.x["head"][0][0] == 0).float().mean())
    else:
        zeros = dropped(y, seen.x["head"][0][0].reshape(y.shape), 0.4)
    assert abs(zeros - 0.4) < 0.1
    if task.name in (
        "signal_classification",
        "polyphonic_music",
    ):  # rectified numbers are 0 as well
        front = seen.y["front"][0]
        assert abs(dropped(front, seen.x["body"][0][0], 0.4) - 0.4) < 0.12
    elif bodies(network) and task.name != "audio_classification":  # it hides features otherwise
        x = seen.x["body"][0][0]
        width = 32 if decoder is not None else x.shape[2]
        live = x[:, 0, :width]
        assert abs(float((live == 0).float().mean()) - 0.4) < 0.12
    network.eval()
    network.loss(batch)
    assert not (seen.x["head"][1][0] == 0).all(0).all()
    dense = seen.x["head"][1][0].reshape(-1, seen.x["head"][1][0].shape[-1])
    assert float((dense[0] == 0).float().mean()) < 0.1 or task.name == "image_classification"


@proves("variational")
@pytest.mark.parametrize("variational", [True, False])
def test_variational_keeps_one_mask_for_all_steps(task: Task, variational: bool, lab: Lab):
    network = lab.build(task, layers=2, dropout=0.5, variational=variational, hidden=32)
    for body in bodies(network):
        seen = Seen(second=body.layers[1])
        body.train()
        body(random(2, 6, body.input_size))
        masks = seen.x["second"][0][0] == 0
        assert 0.2 < float(masks.float().mean()) < 0.8
        assert bool((masks == masks[:, :1]).all()) is variational
        assert not torch.equal(masks[0], masks[1])  # rows have masks of their own


@proves("weight_drop")
def test_weight_drop_drops_recurrent_weights_in_training_only(
    task: Task, lab: Lab, monkeypatch: pytest.MonkeyPatch
):
    network = lab.build(task, weight_drop=0.3, hidden=32, dropout=0.0)
    whole = {id(m): m.from_state.detach().clone() for m in network.modules() if _recurrent(m)}
    shares: list[float] = []

    def watched(cell: Any, _: str | None) -> None:
        used = cell.from_state.detach().clone()
        shares.append(dropped(whole[id(cell)], used, 0.3) if (used == 0).any() else 0.0)
        assert (cell.from_input != 0).all()

    watch_cells(monkeypatch, watched)
    network.train()
    network.loss(lab.batch(task))
    assert shares
    assert all(abs(share - 0.3) < 0.05 for share in shares)
    shares.clear()
    network.eval()
    network.loss(lab.batch(task))
    assert set(shares) == {0.0}
    network.train()
    network.loss(lab.batch(task)).total.backward()  # gradients reach the weight itself
    assert all(m.from_state.grad is not None for m in network.modules() if _recurrent(m))


def _recurrent(module: nn.Module) -> bool:
    return hasattr(module, "from_state")


@proves("word_dropout")
def test_word_dropout_reads_words_as_unknown_in_training_only(task: Task, lab: Lab):
    network = lab.build(task, word_dropout=0.3)
    embed = network.embed.words if task.name == "ner" else network.embed
    seen = Seen(table=embed.table)
    batch = lab.batch(task, 40)
    ids = batch.x[..., 0] if task.name == "ner" else batch.x
    network.eval()
    network.loss(batch)
    assert torch.equal(seen.x["table"][0][0], ids)
    network.train()
    network.loss(batch)
    read = seen.x["table"][1][0]
    changed = read != ids
    assert set(read[changed].tolist()) == {1}
    assert not changed[ids == 0].any()
    assert abs(float(changed[ids > 1].float().mean()) - 0.3) < 0.1
    if task.name == "ner":
        others = Seen(
            shapes=network.embed.shapes.table, letters=network.embed.spelling.characters.table
        )
        network.loss(batch)
        assert torch.equal(others.x["shapes"][0][0], batch.x[..., 1])
        words = batch.x[..., 2:].flatten(0, 1).unique(dim=0)
        assert torch.equal(others.x["letters"][0][0], words)


@proves("shift", "image_classification")
def test_shift_moves_each_picture_by_whole_pixels_in_training_only(task: Task, lab: Lab):
    network = lab.build(task, shift=0.3)
    moving = network.encoder[0]
    seen = Seen(shift=moving)
    x = 1 + torch.rand(200, 8, 8, 3)
    network.eval()
    assert torch.equal(moving(x), x)
    network.train()
    y = moving(x)
    assert len(seen.y["shift"]) == 2
    places = set()
    for before, after in zip(x, y, strict=True):
        wide = torch.zeros(12, 12, 3)
        wide[2:10, 2:10] = before
        found = [
            (up, left)
            for up in range(5)
            for left in range(5)
            if torch.equal(wide[up : up + 8, left : left + 8], after)
        ]
        assert len(found) == 1
        places.add(found[0])
    assert len(places) == 25  # of two pixels in both directions, all occur
    assert not any(type(part) is type(moving) for part in lab.build(task).encoder)


@proves("rare_dropout")
def test_rare_dropout_reads_words_seen_once_as_unknown_in_training_only(task: Task, lab: Lab):
    recipe = lab.recipe(task, rare_dropout=0.4, word_dropout=0.0)
    random = np.random.default_rng(0)
    words = [f"w{i}" for i in range(400)] + [f"twice{i // 2}" for i in range(400)]
    random.shuffle(words)
    rows = [Tagged(words[i : i + 8], ["O"] * 8, "") for i in range(0, 800, 8)]
    codec = task.fit(rows, recipe)
    embed = task.build(codec, recipe).embed.words
    batch = codec.collate([codec.encode(row) for row in rows])
    ids = batch.x[..., 0]
    often = torch.tensor(codec.words.encode([f"twice{i}" for i in range(200)]))
    seen = Seen(table=embed.table)
    embed.eval()(ids)
    embed.train()(ids)
    assert torch.equal(seen.x["table"][0][0], ids)
    read = seen.x["table"][1][0]
    assert set(read[read != ids].tolist()) == {1}
    twice = torch.isin(ids, often)
    assert not (read != ids)[twice].any()
    assert abs(float((read != ids)[~twice].float().mean()) - 0.4) < 0.1


def smoothed(logits: np.ndarray, y: int, epsilon: float) -> float:
    """Return the cross entropy of one row with (1 − ε) onehot(y) + ε/K, in float64."""
    logits = logits.astype(np.float64)
    logp = logits - np.log(np.exp(logits - logits.max()).sum()) - logits.max()
    return float(-((1 - epsilon) * logp[y] + epsilon * logp.mean()))


def by_row(task: Task, network: Any, batch: Any, epsilon: float) -> tuple[float, int]:
    """Return the loss's sum and count over single rows without padding."""
    total, count = 0.0, 0
    for row in range(len(batch.y)):
        x = batch[0][row : row + 1]
        if task.type.startswith("one-to-one"):
            steps = [(network(x)[0], batch.y[row])]
        elif task.type == "many-to-one":
            steps = [(network(x[:, : batch.lengths[row]])[0], batch.y[row])]
        elif task.type == "many-to-many equal":
            n = int(batch.lengths[row])
            steps = list(zip(network(x[:, :n])[0], batch.y[row, :n], strict=True))
        else:
            n = int(batch.lengths[row])
            if batch.context_lengths is not None:
                x = x[:, : batch.context_lengths[row]]
            answers = network(x, batch.x[row : row + 1, :n])[0]
            steps = list(zip(answers, batch.y[row, :n], strict=True))
        for logits, y in steps:
            total += smoothed(logits.numpy(), int(y), epsilon)
        count += len(steps)
    return total, count


@proves("label_smoothing")
@pytest.mark.parametrize("epsilon", [0.0, 0.3])
def test_label_smoothing_spreads_the_target_over_all_classes(task: Task, epsilon: float, lab: Lab):
    fields = {"output": "softmax"} if task.name == "ner" else {}
    network = lab.build(task, **fields).eval()
    batch = lab.batch(task, 5)
    with torch.no_grad():
        total, count = by_row(task, network, batch, epsilon)
        loss = network.loss(batch, smoothing=epsilon)
    assert int(loss.count) == count
    assert float(loss.total) == pytest.approx(total, rel=1e-5)


@proves("label_smoothing", "ner")
@pytest.mark.parametrize("epsilon", [0.0, 0.3])
def test_label_smoothing_of_paths(task: Task, epsilon: float, lab: Lab):
    network = lab.build(task, output="crf").eval()
    with torch.no_grad():
        for parameter in network.output.parameters():
            parameter.uniform_(-1, 1)
        batch = lab.batch(task, 3)
        scores = network(batch.x, batch.lengths).double().numpy()
        loss = network.loss(batch, smoothing=epsilon)
    crf, wanted = network.output, 0.0
    moves, start, end = (p.detach().numpy() for p in (crf.transitions, crf.start, crf.end))
    allowed, begins, ends = (~m.numpy() for m in (crf.forbids, crf.forbids_start, crf.forbids_end))

    def score(row: int, path: tuple[int, ...]) -> float:
        steps = sum(scores[row, t, tag] for t, tag in enumerate(path))
        return (
            steps + start[path[0]] + end[path[-1]] + sum(moves[p] for p in itertools.pairwise(path))
        )

    def legal(path: tuple[int, ...]) -> bool:
        inner = all(allowed[pair] for pair in itertools.pairwise(path))
        return bool(begins[path[0]] and ends[path[-1]] and inner)

    for row, n in enumerate(batch.lengths.tolist()):
        paths = [p for p in itertools.product(range(len(start)), repeat=n) if legal(p)]
        log_z = np.log(sum(np.exp(score(row, path)) for path in paths))
        gold = score(row, tuple(batch.y[row, :n].tolist()))
        mean = scores[row, :n].mean(1).sum() + moves[allowed].mean() * (n - 1)
        mean += start[begins].mean() + end[ends].mean()
        wanted += log_z - (1 - epsilon) * gold - epsilon * mean
    assert float(loss.total) == pytest.approx(wanted, rel=1e-5)
    assert int(loss.count) == int(batch.lengths.sum())


@proves_for_all("label_smoothing")
def test_label_smoothing_is_told_to_the_training_loss_alone(monkeypatch: pytest.MonkeyPatch):
    told = []

    class Told(tiny.Tagger):
        def loss(self, batch: Any, smoothing: float = 0.0) -> Any:
            told.append((self.training, smoothing))
            return super().loss(batch, smoothing)

    train_tiny(Told(), epochs=1, label_smoothing=0.25)
    assert {smoothing for training, smoothing in told if training} == {0.25}
    assert {smoothing for training, smoothing in told if not training} == {0.0}


@proves("label_smoothing")
def test_what_is_reported_is_not_smoothed(task: Task, lab: Lab):
    fields = {"output": "softmax"} if task.name == "ner" else {}
    network = lab.build(task, label_smoothing=0.3, **fields).eval()
    rows = lab.splits(task).train[:5]
    codec = lab.codec(task)
    with torch.no_grad():
        batch = codec.collate([codec.encode(row) for row in rows])
        total, count = by_row(task, network, batch, 0.0)
        found = task.validate(network, codec, rows, lab.recipe(task, label_smoothing=0.3))
    assert found["loss"] == pytest.approx(total / count, rel=1e-5)
    # batches of four rows and of one: the mean of their means is another number
    assert mean_loss(network, codec, rows, size=4)["loss"] == pytest.approx(total / count, rel=1e-5)


@proves("scheduled_sampling")
def test_scheduled_sampling_reads_own_predictions_in_training_only(task: Task, lab: Lab):
    network = lab.build(task, dropout=0.0)
    batch = lab.batch(task, 6)
    seen = Seen(decoder=network.decoder)
    network.eval()
    network.scheduled = 1.0
    network.loss(batch)
    assert torch.equal(seen.x["decoder"][0][0], batch.x)
    network.train()
    network.loss(batch)
    own = seen.y["decoder"][1].argmax(-1)
    read = seen.x["decoder"][2][0]
    assert torch.equal(read[:, 0], batch.x[:, 0])
    assert torch.equal(read[:, 1:], own[:, :-1])


@proves_for_all("scheduled_sampling")
@pytest.mark.parametrize(("epochs", "shares"), [(3, [0.0, 0.3, 0.6]), (1, [0.6])])
def test_scheduled_sampling_rises_to_its_share_in_the_last_epoch(
    epochs: int, shares: list[float], monkeypatch: pytest.MonkeyPatch
):
    told = []

    class Writer(tiny.Tagger):
        scheduled = 0.0

    step = Stepper.step
    monkeypatch.setattr(
        Stepper,
        "step",
        lambda self, *args: (told.append(self.network.scheduled), step(self, *args))[1],
    )
    train_tiny(Writer(), epochs=epochs, scheduled_sampling=0.6)
    assert [told[6 * epoch] for epoch in range(epochs)] == pytest.approx(shares)
    assert len(set(told)) == epochs


@proves("clip_state checkpoint_every")
def test_layers_clip_at_the_state_and_keep_the_states_between_chunks(task: Task, lab: Lab):
    def layers(**fields: Any) -> list[Recurrent]:
        network = lab.build(task, **fields)
        found = [part for body in bodies(network) for part in body.modules()]
        return [part for part in found if isinstance(part, Recurrent)]

    assert layers()
    assert all(not part.clip_state and not part.checkpoint_every for part in layers())
    for part in layers(clip_state=0.5, checkpoint_every=32):
        assert (part.clip_state, part.checkpoint_every) == (0.5, 32)
    with pytest.raises(RecurraError, match="makes no model: checkpoint_every is 5, and clip_every"):
        lab.build(task, clip_state=0.5, checkpoint_every=5)
