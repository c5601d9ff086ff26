"""Layers as graphs: ONNX Runtime says what the layer says, whole, in chunks and step by step."""

import json
from pathlib import Path

import onnx
import pytest
import torch
from torch import nn

import recurra
from recurra import tree
from recurra.cells import CELLS, GRU, LSTM, Elman, MinGRU
from recurra.layers import Bidirectional, Layer, LookAhead, Pointwise, Recurrent, Stack
from recurra.onnx import operators
from recurra.onnx.folder import DESCRIPTION
from recurra.onnx.graph import to_onnx
from recurra.onnx.layers import sequence, step
from recurra.onnx.runtime import Session
from tests.layers.test_layer_laws import LAYERS, READING_BACKWARD

pytestmark = pytest.mark.unchecked("a graph would hold the checks too")
SOME = {
    "an operator": lambda: LSTM(3, 4),
    "a loop": lambda: MinGRU(3, 4),
    "what lags": lambda: Stack(GRU(3, 4), LookAhead(4, 2), Elman(4, 3, nonlinearity="relu")),
    "both ways": lambda: Bidirectional(LSTM(3, 4), GRU(3, 2)),
}
ALL = {
    **LAYERS,
    **READING_BACKWARD,
    **{cell.__name__: lambda cell=cell: cell(4, 8) for cell in CELLS},
}


@pytest.mark.parametrize("name", SOME)
def test_some_layers_are_exported_and_equal(name: str, tmp_path: Path) -> None:
    check(SOME[name](), tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("name", ALL)
def test_every_layer_and_cell_is_exported_and_equal(name: str, tmp_path: Path) -> None:
    check(ALL[name](), tmp_path)


def check(layer: Layer, folder: Path) -> None:
    torch.manual_seed(0)
    with torch.no_grad():
        for weight in layer.parameters():
            nn.init.normal_(weight, std=0.4)
    found = recurra.export(layer, folder)
    streams = getattr(layer, "streams", True)
    names = ["sequence.onnx", *(["step.onnx"] if streams else [])]
    assert list(found.graphs) == names
    hows = {(one.graph, one.how) for one in found.compared}
    wanted = {("sequence", "whole"), ("sequence", "in chunks"), ("step", "step by step")}
    if not tree.leaves(layer.initial_state(1)):  # nothing is handed from chunk to chunk
        wanted.remove(("sequence", "in chunks"))
    assert hows == {one for one in wanted if streams or one == ("sequence", "whole")}
    assert all(one.difference < 1e-5 for one in found.compared), found.compared
    for name in names:
        onnx.checker.check_model(str(folder / name), full_check=True)


def test_what_is_an_operator_is_one_and_nothing_else_is() -> None:
    for cell, name in [(LSTM(3, 4), "LSTM"), (GRU(3, 4), "GRU"), (Elman(3, 4), "RNN")]:
        nodes = [node.op_type for node in to_onnx(sequence(Recurrent(cell))).graph.node]
        assert nodes.count(name) == 1
        assert "Scan" not in nodes

    class Own(LSTM):
        pass

    assert operators.operator(Own(3, 4)) is None


def test_the_folder_says_where_to_begin(tmp_path: Path) -> None:
    recurra.export(Stack(LSTM(3, 4), recurra.SLSTM(4, 4)), tmp_path)
    told = json.loads((tmp_path / DESCRIPTION).read_text())
    assert set(told["graphs"]) == {"sequence", "step"}
    given = {one["name"]: one for one in told["graphs"]["step"]["inputs"]}
    assert list(given) == ["x", "0.h", "0.c", "1.h", "1.c", "1.n", "1.m"]
    assert given["0.h"]["initial"] == 0
    assert given["1.m"]["initial"] == pytest.approx(torch.finfo(torch.float32).min / 2)
    assert given["x"]["sizes"] == ["batch", 3]
    assert [one["name"] for one in told["graphs"]["step"]["outputs"]][:2] == ["y", "0.h_next"]


def test_weights_of_another_order_are_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    right = operators.operator
    monkeypatch.setattr(
        operators, "operator", lambda cell: right(cell)._replace(order=(0, 1, 2, 3))
    )
    with pytest.raises(recurra.RecurraError, match="the sequence graph differs from the network"):
        recurra.export(LSTM(3, 4), tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_row_without_steps_keeps_its_state() -> None:
    layer = Recurrent(LSTM(3, 4)).eval()
    graph = sequence(layer)
    session = Session(graph, to_onnx(graph).SerializeToString())
    h, c = torch.randn(2, 2, 4)
    x = torch.full((2, 3, 3), torch.nan)
    y, after, memory = session(x, torch.tensor([0, 0]), h, c)
    assert torch.equal(after, h)
    assert torch.equal(memory, c)
    assert not y.any()


def test_what_has_no_graph_is_refused_in_words() -> None:
    class Odd(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x * float(x.sum())

    with pytest.raises(recurra.RecurraError, match="the step graph cannot be exported"):
        to_onnx(step(Pointwise(Odd(), 2, 2)))
