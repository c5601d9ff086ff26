"""Rows of the fields that language models have for themselves."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from recurra.data.units import Bytes, Characters, Subwords, Words
from recurra.errors import DataError, RecurraError
from recurra.tasks.language_model import LANGUAGE_MODEL
from recurra.tasks.run import complete
from recurra.tasks.task import Task

from .conftest import Lab, Seen
from .table import proves


def text_file(folder: Path, text: str) -> str:
    path = folder / "book.txt"
    path.write_text(text, encoding="utf-8")
    return str(path)


def texts(part: list[Any]) -> str:
    return "".join(passage.text.tobytes().decode() for passage in part)


@proves("unit")
def test_unit_is_what_a_text_is_made_of(task: Task, tmp_path: Path):
    data = text_file(tmp_path, "the cat saw the dog\nthe dog ran\n" * 40)
    kinds = {"characters": Characters, "bytes": Bytes, "subwords": Subwords, "words": Words}
    sizes = {"characters": 6, "bytes": 7, "words": 3}
    for unit, kind in kinds.items():
        recipe = complete(task, {"data": data, "unit": unit, "vocabulary": 270})
        codec = task.fit(task.read(recipe).train, recipe)
        assert type(codec.units) is kind
        ids = codec.units.encode("é dog\n".encode())
        assert len(ids) == sizes.get(unit, len(ids))
        again = type(codec).from_files(codec.files())
        assert (
            again.units.encode(b"the dog\n").tolist() == codec.units.encode(b"the dog\n").tolist()
        )


@proves("bptt", "language_model")
def test_bptt_is_the_steps_of_a_batch(task: Task, lab: Lab):
    codec, train = lab.codec(task), lab.splits(task).train
    steps = len(codec.stream(train)) - 1
    for bptt in (5, 9):
        items = task.items(codec, train, lab.recipe(task, bptt=bptt, batch_size=3))
        assert max(len(item[0]) for item in items) == bptt
        y = torch.cat([item[1] for item in items])
        assert torch.equal(y, codec.stream(train)[1:])  # each unit is foretold once
        assert sum(len(item[0]) for item in items) == steps


@proves("batch_size", "language_model")
def test_batch_size_is_the_number_of_lanes(task: Task, lab: Lab):
    codec, train = lab.codec(task), lab.splits(task).train
    for lanes in (3, 8):
        items = task.items(codec, train, lab.recipe(task, batch_size=lanes))
        assert len(items.sequences) == lanes
    few = len(codec.stream(train)) - 1
    with pytest.raises(DataError, match=rf"{few} characters, too few .* lower it to {few}"):
        task.items(codec, train, lab.recipe(task, batch_size=few + 1))


@proves("tied", "language_model")
@pytest.mark.parametrize("embedding", [8, 5])
def test_tied_scores_by_the_embeddings(task: Task, embedding: int, lab: Lab):
    network = lab.build(task, tied=True, embedding=embedding).eval()
    table, head = network.embed[0].weight, network.head[-1]
    seen = Seen(body=network.body)
    logits = network(lab.batch(task).x)
    h = seen.y["body"][0] if embedding == 8 else seen.y["body"][0] @ head.project.weight.T
    assert torch.allclose(logits, h @ table.T + head.bias, atol=1e-6)
    plain = lab.build(task, tied=False, embedding=embedding)
    free = {name for name, _ in plain.named_parameters()}
    assert "head.1.weight" in free
    assert "head.1.weight" not in {name for name, _ in network.named_parameters()}


@proves("valid_share test_share")
def test_shares_are_cut_off_the_end_in_their_order(task: Task, tmp_path: Path):
    text = "".join(f"{i:03}" for i in range(1000))
    recipe = complete(
        task, {"data": text_file(tmp_path, text), "valid_share": 0.25, "test_share": 0.1}
    )
    parts = [texts(part) for part in task.read(recipe).parts]
    assert "".join(parts) == text
    assert [len(part) for part in parts] == [1950, 750, 300]


@proves("text_column", "language_model")
def test_text_column_is_the_key_of_the_text(task: Task, tmp_path: Path):
    path = tmp_path / "rows.jsonl"
    rows = [{"title": f"title {i}", "text": f"some text number {i}"} for i in range(20)]
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    assert texts(task.read(complete(task, {"data": str(path)})).train).startswith("some text")
    named = task.read(complete(task, {"data": str(path), "text_column": "title"}))
    assert texts(named.train).startswith("title 0title 1")
    with pytest.raises(
        DataError, match=r"rows.jsonl:1: has no key 'body'; its keys are title, text"
    ):
        task.read(complete(task, {"data": str(path), "text_column": "body"}))


@proves("embedding", "language_model")
def test_embedding_is_the_width_of_a_unit(task: Task, lab: Lab):
    network = lab.build(task, embedding=13)
    assert network.embed[0].embedding_dim == network.body.input_size == 13


def test_subwords_need_room_for_every_byte(tmp_path: Path):
    task = LANGUAGE_MODEL
    data = text_file(tmp_path, "the cat " * 100)
    recipe = complete(task, {"data": data, "unit": "subwords", "vocabulary": 100})
    with pytest.raises(RecurraError, match="subwords need 258 or more"):
        task.fit(task.read(recipe).train, recipe)
