"""Models of every task as graphs: the same metrics, by the same code, through ONNX Runtime."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import recurra
from recurra.errors import RecurraError
from recurra.onnx.export import export
from recurra.onnx.folder import DESCRIPTION
from recurra.onnx.graph import to_onnx
from recurra.onnx.runtime import Session
from recurra.onnx.standin import stand_in
from recurra.onnx.topologies import graphs
from recurra.runtime import Exported
from recurra.tasks.catalogue import TASKS, find
from recurra.tasks.model import Model
from recurra.tasks.run import build, complete
from tests.tasks.conftest import TINY, WRITERS

pytestmark = pytest.mark.unchecked("a graph would hold the checks too")
GRAPHS = {
    "image_classification": {"predict"},
    "forecasting": {"forecast"},
    "ner": {"sequence", "best_path"},
    "music_generation": {"encoder", "step"},
    "image_captioning": {"encoder", "step"},
    "translation": {"encoder", "step"},
}
SOME = {
    "sentiment": {"bidirectional": False, "cell": "mingru"},
    "translation": {"members": 2, "beam": 2},
    "language_model": {"cell": "slstm"},
    "ner": {"bidirectional": False, "lookahead": 2},
}
OTHERS: dict[str, dict[str, Any]] = {
    "forecasting": {"strategy": "recursive", "output": "gaussian", "samples": 3},
    "sentiment": {"members": 2, "bag": True},
}


def model(name: str, folder: Path, **fields: Any) -> Model:
    task = find(name)
    short = {"max_length": 24} if "max_length" in task.options and "speech" not in name else {}
    recipe = complete(task, {**TINY, **short, "data": WRITERS[name](folder), **fields})
    splits = task.read(recipe)
    codec = task.fit(splits.train, recipe)
    torch.manual_seed(0)
    network = build(task, codec, recipe).eval()
    with torch.no_grad():  # so that answers differ, and a wrong one shows
        for weight in network.parameters():
            weight.add_(torch.randn_like(weight), alpha=0.2)
    return Model(task, recipe, codec, network)


@pytest.mark.parametrize("name", SOME)
def test_some_tasks_are_exported_and_equal(name: str, tmp_path: Path) -> None:
    check(name, tmp_path, **SOME[name])


@pytest.mark.slow
@pytest.mark.parametrize("name", [task.name for task in TASKS])
def test_every_task_is_exported_and_equal(name: str, tmp_path: Path) -> None:
    check(name, tmp_path)
    if name in OTHERS:
        check(name, tmp_path, **OTHERS[name])


def check(name: str, folder: Path, **fields: Any) -> None:
    given = model(name, folder, **fields)
    out = folder / "out"
    found = export(given, out, rows=12)
    assert {path.removesuffix(".onnx") for path in found.graphs} >= GRAPHS.get(name, {"sequence"})
    assert found.rows
    assert {name for name, _ in found.metrics.items()} >= {"loss"} or name == "forecasting"
    assert all(one.difference < 1e-5 for one in found.compared), found.compared
    told = json.loads((out / DESCRIPTION).read_text())
    assert told["task"] == name
    assert set(told["files"]) == set(given.codec.files())
    for file in [*told["files"], *found.graphs]:
        assert (out / file).stat().st_size
    searches = "beam" in given.task.options
    assert ("beam" in told["decoding"]) is searches


def test_a_stand_in_says_what_its_graphs_say(tmp_path: Path) -> None:
    given = model("sentiment", tmp_path)
    rows = given.asked(None)[1]
    batch = given.codec.collate([given.codec.encode(row) for row in rows])
    (graph, *_) = graphs(given.network, batch)
    right = Session(graph, to_onnx(graph).SerializeToString())
    calls = []

    class Wrong:
        def __call__(self, *tensors: torch.Tensor) -> list[torch.Tensor]:
            calls.append(1)
            return [-100 * one for one in right(*tensors)]

    own = given.task.evaluate(given.network, given.codec, rows, given.recipe)
    same = stand_in(given.network, {"sequence": right}, batch)
    other = stand_in(given.network, {"sequence": Wrong()}, batch)  # type: ignore[dict-item]  # it is called alone
    told = given.task.evaluate(same, given.codec, rows, given.recipe)
    assert told["accuracy"] == own["accuracy"]
    assert told["loss"] == pytest.approx(own["loss"], rel=1e-5)
    wrong = given.task.evaluate(other, given.codec, rows, given.recipe)
    assert calls
    assert abs(wrong["loss"] - own["loss"]) > 0.1


def test_without_examples_there_is_nothing_to_compare_on(tmp_path: Path) -> None:
    given = model("sentiment", tmp_path)
    with pytest.raises(RecurraError, match="at least 1 example"):
        export(given, tmp_path / "out", rows=0)
    gone = dataclasses.replace(
        given, recipe=dataclasses.replace(given.recipe, data=str(tmp_path / "nothing.tsv"))
    )
    with pytest.raises(RecurraError, match=r"nothing\.tsv"):
        export(gone, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_the_best_path_of_a_graph_is_the_crfs(tmp_path: Path) -> None:
    given = model("ner", tmp_path)
    rows = given.asked(None)[1]
    batch = given.codec.collate([given.codec.encode(row) for row in rows])
    found = {one.name: one for one in graphs(given.network, batch)}
    graph = found["best_path"]
    output, session = given.network.output, Session(graph, to_onnx(graph).SerializeToString())
    for size, time in [(1, 1), (4, 2), (9, 30)]:
        scores = 3 * torch.randn(size, time, len(output.start))
        lengths = torch.randint(0, time + 1, (size,))
        lengths[0] = time
        (tags,) = session(scores, lengths)
        rows = [row[:stop] for row, stop in zip(tags.tolist(), lengths.tolist(), strict=True)]
        assert rows == output.decode(scores, lengths)
    calls = []
    run = {"sequence": session, "best_path": lambda *given: calls.append(1) or session(*given)}
    stand_in(given.network, run, batch).output.decode(scores, lengths)  # type: ignore[arg-type]  # as above
    assert calls


def test_narrower_weights_are_smaller_and_are_told_with_what_they_cost(tmp_path: Path) -> None:
    given = model("sentiment", tmp_path, hidden=32, embedding=64)
    kinds = ["fp16", "int8", "int8-dynamic"]
    found = export(given, tmp_path / "out", rows=3, weights=kinds)
    whole = found.graphs["sequence.onnx"]
    assert list(found.narrowed) == kinds
    told = json.loads((tmp_path / "out" / DESCRIPTION).read_text())["narrow"]
    x, lengths = np.array([[4, 5, 6]]), np.array([3])
    wanted = Exported(tmp_path / "out").run("sequence", x=x, lengths=lengths)["logits"]
    for kind, bound in zip(kinds, (0.002, 0.02, 0.02), strict=True):
        one = found.narrowed[kind]
        assert one.bytes == found.graphs[f"sequence.{kind}.onnx"] < whole
        assert set(one.metrics) == set(found.metrics)
        assert told[kind]["bytes"] == one.bytes
        assert one.metrics["loss"] != found.metrics["loss"][1]
        assert one.seconds > 0
        narrow = Exported(tmp_path / "out", weights=kind)
        said = narrow.run("sequence", x=x, lengths=lengths)["logits"]
        assert 0 < np.abs(said - wanted).max() < bound * np.abs(wanted).max()
    assert found.narrowed["int8"].bytes < found.narrowed["fp16"].bytes
    with pytest.raises(RecurraError, match="int4"):
        export(given, tmp_path / "other", weights=["int4"])
    with pytest.raises(RecurraError, match="a layer has no metric"):
        export(recurra.LSTM(2, 3), tmp_path / "other", weights=["int8"])
    with pytest.raises(RecurraError, match="int4"):
        Exported(tmp_path / "out", weights="int4")


def test_the_pool_of_a_classifier_that_lags_begins_late(tmp_path: Path):
    lagging = model("sentiment", tmp_path, bidirectional=False, lookahead=2, pool="mean")
    found = export(lagging, tmp_path / "exported")
    assert {one.graph for one in found.compared} == {"sequence", "step"}
    assert max(one.difference for one in found.compared) < 1e-5
