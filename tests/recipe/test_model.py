"""Rows of the fields that say which network is built."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from recurra.cells import GRU, Cell, MinLSTM
from recurra.data.batch import Paired
from recurra.errors import RecurraError
from recurra.layers import Bidirectional, LookAhead, aligned
from recurra.tasks.bag import Bag
from recurra.tasks.body import check
from recurra.tasks.encoders import FrozenEncoder, ImageEncoder
from recurra.tasks.encoders.squeezenet import SqueezeNet
from recurra.tasks.run import build
from recurra.tasks.spelling import ConvolvedSpelling, RecurrentSpelling
from recurra.tasks.task import Task

from .conftest import Lab, Seen, bodies, random, watch_cells
from .table import proves


def cells(network: nn.Module) -> list[Cell[Any]]:
    return [module for module in network.modules() if isinstance(module, Cell)]


@proves("cell")
def test_cell_is_the_class_of_every_cell(task: Task, lab: Lab):
    assert {type(cell) for cell in cells(lab.build(task))} == {GRU}
    assert {type(cell) for cell in cells(lab.build(task, cell="minlstm"))} == {MinLSTM}


@proves("hidden")
def test_hidden_is_the_width_of_every_cell(task: Task, lab: Lab):
    network = lab.build(task, hidden=11)
    assert {cell.hidden_size for cell in cells(network)} == {11}
    assert {cell.output_size for cell in cells(network)} == {11}


@proves("engine")
def test_engine_is_asked_for_by_every_layer(task: Task, lab: Lab, monkeypatch: pytest.MonkeyPatch):
    asked: list[str | None] = []
    watch_cells(monkeypatch, lambda _, engine: asked.append(engine))
    for engine in ("loop", None):
        asked.clear()
        lab.build(task, engine=engine, layers=2).loss(lab.batch(task))
        assert len(asked) >= 2
        assert set(asked) == {engine}
    with pytest.raises(RecurraError, match="scan"):
        check(lab.recipe(task, engine="scan"))


@proves("layers")
def test_layers_is_how_many_stand_on_one_another(task: Task, lab: Lab):
    for depth in (1, 3):
        for body in bodies(lab.build(task, layers=depth, dropout=0.0)):
            layers = list(body.layers)
            assert len(layers) == depth
            seen = Seen(**{str(i): layer for i, layer in enumerate(layers)})
            y = body(random(2, 4, body.input_size))[0]
            for i in range(1, depth):
                assert torch.equal(seen.x[str(i)][0][0], seen.y[str(i - 1)][0])
            assert torch.equal(y, seen.y[str(depth - 1)][0])
            each = 2 if isinstance(layers[0], Bidirectional) else 1
            assert len(cells(body)) == len(set(cells(body))) == depth * each


@proves("members")
def test_members_are_drawn_apart_and_answer_by_their_mean(task: Task, lab: Lab):
    network, batch = lab.build(task, members=3).eval(), lab.batch(task)
    fields = batch[:-1]
    if isinstance(batch, Paired):
        fields = batch.context, batch.x, batch.lengths, batch.context_lengths
    answers = [member(*fields).softmax(-1) for member in network.members]
    assert len(answers) == 3
    assert not torch.allclose(answers[0], answers[1])
    torch.testing.assert_close(network(*fields).softmax(-1), sum(answers) / 3)
    assert type(lab.build(task)) is type(network.members[0])


@proves("bag")
@pytest.mark.parametrize("members", [1, 2])
def test_a_bag_answers_with_the_networks_and_reads_the_letters(task: Task, members: int, lab: Lab):
    recipe = lab.recipe(task, bag=True, members=members)
    rows = lab.splits(task).train
    codec = task.fit(rows, recipe)
    network = build(task, codec, recipe).eval()
    networks, bag = network.members
    others = networks.members if members > 1 else [networks]
    assert isinstance(bag, Bag)
    assert len(others) == members
    torch.nn.init.normal_(bag.table.weight)
    batch = codec.collate([codec.encode(row) for row in rows[:6]])
    each, of_bag = [[one(*batch[:2]).softmax(-1) for one in some] for some in (others, [bag])]
    wanted = sum(each) / (2 * members) + of_bag[0] / 2
    torch.testing.assert_close(network(*batch[:2]).softmax(-1), wanted)
    plain = lab.batch(task)
    assert torch.equal(batch.x[..., 0], plain.x)
    for other in others:
        seen = Seen(table=other.embed.table)
        other(*batch[:2])
        assert torch.equal(seen.x["table"][0][0], plain.x)
    assert not any(isinstance(part, Bag) for part in lab.build(task).modules())


@proves("embedding", "sentiment", "translation", "music_generation", "image_captioning")
def test_embedding_is_the_width_of_tokens(task: Task, lab: Lab):
    network = lab.build(task, embedding=13)
    tables = [m for m in network.modules() if isinstance(m, nn.Embedding)]
    wide = [table for table in tables if table.embedding_dim == 13]
    assert len(wide) == (2 if task.name == "translation" else 1)
    network.eval()
    seen = Seen(body=bodies(network)[-1])
    network.loss(lab.batch(task))
    first = seen.x["body"][0][0][0, 0, :13]
    assert any(torch.equal(first, row) for table in wide for row in table.weight)


@proves("embedding", "ner")
def test_embedding_is_the_width_of_words_and_half_of_it_that_of_spellings(task: Task, lab: Lab):
    network = lab.build(task, embedding=14)
    assert network.embed.words.table.embedding_dim == 14
    assert network.embed.spelling.characters.table.embedding_dim == 7
    assert network.body.input_size == 14 + 7 + 8


@proves("letters")
def test_letters_is_the_width_of_a_spelling(task: Task, lab: Lab):
    for kind in ("convolution", "recurrent"):
        network = lab.build(task, embedding=14, letters=10, spelling=kind)
        assert network.body.input_size == 14 + 10 + 8
        assert network.embed.spelling(lab.batch(task).x[..., 2:]).shape[-1] == 10
    with pytest.raises(RecurraError, match="even width, not 7"):
        lab.build(task, letters=7, spelling="recurrent")


@proves("spelling")
def test_spelling_is_read_by_filters_or_by_the_recipes_cell(task: Task, lab: Lab):
    read = {
        kind: lab.build(task, spelling=kind, embedding=16, cell="minlstm").embed.spelling
        for kind in ("convolution", "recurrent")
    }
    assert isinstance(read["convolution"], ConvolvedSpelling)
    assert isinstance(read["recurrent"], RecurrentSpelling)
    assert not cells(read["convolution"])
    assert [type(cell) for cell in cells(read["recurrent"])] == [MinLSTM, MinLSTM]


@proves("embedding", "image_classification")
def test_embedding_is_the_width_of_a_position(task: Task, lab: Lab):
    network = lab.build(task, embedding=13)
    seen = Seen(grid=network.encoder[0])
    network(lab.batch(task).x)
    assert seen.y["grid"][0].shape[2] == 13


@proves("encoder", "image_classification")
def test_encoder_is_convolutions_or_one_linear_map(task: Task, lab: Lab):
    assert any(isinstance(m, nn.Conv2d) for m in lab.build(task, encoder="convolution").modules())
    network = lab.build(task, encoder="linear", embedding=11, dropout=0.0)
    assert not any(isinstance(m, nn.Conv2d) for m in network.modules())
    x = lab.batch(task).x
    weight, bias = network.encoder[-2].weight, network.encoder[-2].bias
    assert len(weight) == network.cell.input_size == 11
    assert torch.allclose(network.encoder(x), (x.flatten(1) @ weight.T + bias).relu(), atol=1e-5)


@proves("embedding", "forecasting")
def test_embedding_is_the_width_of_a_segment(task: Task, lab: Lab):
    network = lab.build(task, embedding=13)
    seen = Seen(body=network.body)
    network.loss(lab.batch(task))
    assert {x[0].shape[2] for x in seen.x["body"]} == {13}


def answers_to(body: Any, step: int, steps: int = 9) -> list[bool]:
    """Return which outputs change with the input at one step."""
    x = random(1, steps, body.input_size)
    other = x.clone()
    other[:, step] += 1
    with torch.no_grad():
        same = torch.isclose(aligned(body, x), aligned(body, other), atol=1e-7).all(-1)[0]
    return (~same).tolist()


@proves("bidirectional")
def test_bidirectional_hears_what_comes_later(task: Task, lab: Lab):
    one = bodies(lab.build(task, bidirectional=False).eval())[0]
    assert answers_to(one, 5) == [False] * 5 + [True] * 4
    both, *written = bodies(lab.build(task, bidirectional=True).eval())
    assert answers_to(both, 5) == [True] * 9
    for body in written:  # what is unwritten cannot be read
        assert answers_to(body, 5) == [False] * 5 + [True] * 4
    assert both.output_size == 2 * one.output_size
    layer = both.layers[0]
    weights = [part.cell.from_state for part in (layer.forward_layer, layer.backward_layer)]
    assert not torch.equal(*weights)


@proves("lookahead")
def test_lookahead_hears_so_many_steps_ahead(task: Task, lab: Lab):
    body = bodies(lab.build(task, bidirectional=False, lookahead=2).eval())[0]
    assert body.delay == 2
    (ahead,) = [module for module in body.modules() if isinstance(module, LookAhead)]
    nn.init.ones_(ahead.weight)
    assert answers_to(body, 5) == [False] * 3 + [True] * 6


def normed(x: Tensor, weight: Tensor) -> Tensor:
    return x / (x.square().mean(-1, keepdim=True) + 1e-5).sqrt() * weight


@proves("residual")
def test_residual_adds_a_layer_to_its_input(task: Task, lab: Lab):
    # two layers: where embeddings are not as wide as outputs, only the second can add up
    both = {"bidirectional": True} if "bidirectional" in task.options else {}
    body = bodies(lab.build(task, residual=True, layers=2, dropout=0.0, **both))[-1]
    below, above = body.layers
    nn.init.uniform_(above.norm.weight, 0.5, 1.5)
    x = random(2, 5, body.input_size)
    with torch.no_grad():
        middle = below(x)[0]
        wanted = middle + above.layer(normed(middle, above.norm.weight))[0]
        assert torch.allclose(body(x)[0], wanted, atol=1e-6)
    plain = bodies(lab.build(task, residual=False, layers=2, **both))[-1]
    assert all(not hasattr(layer, "norm") for layer in plain.layers)


@proves("residual")
def test_residual_is_refused_where_no_layer_can_be_added_to_its_input(task: Task, lab: Lab):
    with pytest.raises(RecurraError, match="residual: no layer's output is as wide"):
        lab.build(task, residual=True, layers=1, embedding=7)
    assert lab.build(task, residual=True, layers=2, embedding=7)


@proves("time_scale")
def test_time_scale_spreads_the_gates_biases_by_chrono(task: Task, lab: Lab):
    for cell in cells(lab.build(task, time_scale=1000.0, hidden=64)):
        b = cell.bias.detach().chunk(3)[1]
        assert b.min() >= 0
        assert math.log(500) < b.max() <= math.log(999)  # of 64 draws: passes but in 1e-19
    for cell in cells(lab.build(task, hidden=64)):
        assert torch.equal(cell.bias.chunk(3)[1], torch.ones(64))
    with pytest.raises(RecurraError, match="time_scale: cell elman has none"):
        lab.build(task, time_scale=10.0, cell="elman")


@proves("init")
def test_init_starts_the_recurrent_weights(task: Task, lab: Lab):
    for cell in cells(lab.build(task, cell="elman", init="identity")):
        assert torch.equal(cell.from_state, torch.eye(cell.hidden_size))
    for cell in cells(lab.build(task, cell="elman", init="ring", hidden=6)):
        radii = torch.linalg.eigvals(cell.from_state.detach()).abs()
        assert 0.89 < radii.min() < radii.max() < 0.9991
        assert radii.max() - radii.min() > 1e-4
    for cell in cells(lab.build(task, cell="gru", init="orthogonal")):
        block = cell.from_state.detach()[: cell.hidden_size]
        torch.testing.assert_close(block @ block.T, torch.eye(cell.hidden_size))
    with pytest.raises(RecurraError, match="init: cell lstm: identity has nothing to set"):
        lab.build(task, cell="lstm", init="identity")
    with pytest.raises(RecurraError, match="init=ring and time_scale"):
        lab.build(task, cell="mingru", init="ring", time_scale=9.0)


@proves("pool")
@pytest.mark.parametrize("kind", ["last", "mean", "max", "attention"])
def test_pool_makes_a_sequence_one_vector(task: Task, kind: str, lab: Lab):
    network = lab.build(task, pool=kind, bidirectional=False).eval()
    lengths = [3, 5, 1]
    y = random(3, 5, network.body.output_size)
    pooled = network.pool(y, torch.tensor(lengths))
    for row, length in enumerate(lengths):
        steps = y[row, :length]
        if kind == "last":
            wanted = steps[-1]
        elif kind == "attention":
            hidden, vector = network.pool.hidden, network.pool.to_score.weight[0]
            u = torch.tanh(steps @ hidden.weight.T + hidden.bias) @ vector
            wanted = (torch.softmax(u, 0)[:, None] * steps).sum(0)
        else:
            wanted = steps.mean(0) if kind == "mean" else steps.max(0).values
        assert torch.allclose(pooled[row], wanted, atol=1e-6)
    seen = Seen(body=network.body, pool=network.pool, head=network.head)
    network(lab.batch(task).x, lab.batch(task).lengths)
    assert torch.equal(seen.x["pool"][0][0], seen.y["body"][0])
    assert torch.equal(seen.x["head"][0][0], seen.y["pool"][0])


@proves("output", "ner")
def test_output_decides_steps_alone_or_whole_paths(task: Task, lab: Lab):
    tags = lab.codec(task).tags
    outside, inside = tags.index("O"), len(tags)
    codec = lab.codec(task)
    known = [*tags, "I-LOC"]
    wide = type(codec)(codec.words, codec.letters, known, codec.max_length)
    scores = torch.zeros(1, 2, len(known))
    scores[0, :, inside] = 5.0  # I- after nothing: the best of each step, and no path
    scores[0, 0, tags.index("B-LOC")] = 4.0
    lengths = torch.tensor([2])
    for output, path in [("softmax", [inside, inside]), ("crf", [tags.index("B-LOC"), inside])]:
        network = task.build(wide, lab.recipe(task, output=output))
        for parameter in network.output.parameters():
            nn.init.zeros_(parameter)
        assert network.output.decode(scores, lengths) == [path]
    scores[0, 0, outside] = 4.5  # O may begin, but I- may not follow it
    assert network.output.decode(scores, lengths) == [[tags.index("B-LOC"), inside]]


@proves("attention")
@pytest.mark.parametrize("kind", ["additive", "multiplicative"])
def test_attention_scores_by_its_formula(task: Task, kind: str, lab: Lab):
    network = lab.build(task, attention=kind).eval()
    attention = network.decoder.attention
    seen = Seen(body=network.decoder.body, attention=attention, combine=network.decoder.combine)
    network.loss(lab.batch(task))
    query, memory = seen.x["attention"][0][:2]
    assert torch.equal(query, seen.y["body"][0])
    q, m = query[0, 1], memory[0]
    if kind == "additive":
        W, U, v = attention.from_query, attention.from_memory.weight, attention.to_score.weight[0]
        scores = torch.tanh(W.weight @ q + W.bias + m @ U.T) @ v
    else:
        scores = m @ attention.from_memory.weight.T @ q
    mask = seen.x["attention"][0][2][0]
    p = torch.softmax(scores[mask], 0)
    context = (p[:, None] * m[mask]).sum(0)
    assert torch.allclose(seen.x["combine"][0][0][0, 1], torch.cat([q, context]), atol=1e-5)


@proves("input_feeding")
def test_input_feeding_tells_a_step_what_the_last_one_wrote_from(task: Task, lab: Lab):
    network = lab.build(task, input_feeding=True).eval()
    decoder, hidden = network.decoder, 8
    plain = lab.build(task, input_feeding=False)
    assert decoder.body.input_size == plain.decoder.body.input_size + hidden
    seen = Seen(body=decoder.body, to_logits=decoder.to_logits)
    network.loss(lab.batch(task))
    fed = [x[0][:, 0, -hidden:] for x in seen.x["body"]]
    written = [x[0][:, 0] for x in seen.x["to_logits"]]
    assert len(fed) > 2
    assert not fed[0].any()
    for told, before in zip(fed[1:], written, strict=False):
        assert torch.equal(told, before)


@proves("tied", "translation", "image_captioning")
@pytest.mark.parametrize("embedding", [8, 5])
def test_a_tied_decoder_writes_with_the_embeddings_that_it_reads(
    task: Task, embedding: int, lab: Lab
):
    network, batch = lab.build(task, tied=True, embedding=embedding).eval(), lab.batch(task)
    decoder = network.decoder
    seen = Seen(body=decoder.body, to_logits=decoder.to_logits)
    network.loss(batch)
    E, head = decoder.embed.weight, decoder.to_logits
    (read,), (written,) = seen.x["body"], seen.x["to_logits"]
    torch.testing.assert_close(read[0][..., :embedding], embedding**0.5 * E[batch.x])
    h = written[0] if embedding == 8 else written[0] @ head.project.weight.T
    torch.testing.assert_close(seen.y["to_logits"][0], h @ E.T + head.bias)
    plain = lab.build(task, tied=False, embedding=embedding)
    assert "decoder.to_logits.weight" in dict(plain.named_parameters())
    assert "decoder.to_logits.weight" not in dict(network.named_parameters())


@proves("encoder", "image_captioning")
def test_encoder_learns_along_or_is_frozen(task: Task, lab: Lab, tmp_path: Path):
    torch.manual_seed(0)
    weights = dict(SqueezeNet().named_parameters())
    np.savez(tmp_path / "w.npz", **{name: w.detach().numpy() for name, w in weights.items()})
    recipe = lab.recipe(task, encoder=str(tmp_path / "w.npz"), pixels=40)
    splits = task.read(recipe)
    network = build(task, task.fit(splits.train, recipe), recipe)
    assert isinstance(network.encoder, FrozenEncoder)
    assert isinstance(network.encoder.frozen, SqueezeNet)
    along = lab.build(task, encoder="convolution").encoder
    assert isinstance(along, ImageEncoder)
    assert all(p.requires_grad for p in along.parameters())
