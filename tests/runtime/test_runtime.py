"""Exported models without torch: what they say, what they refuse, and that torch stays away."""

import json
import subprocess
import sys
import venv
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

import recurra
from recurra import GRU, LSTM, LookAhead, Stack
from recurra.decoding import greedy
from recurra.errors import BundleError, InputError
from recurra.onnx.export import export
from recurra.runtime import Exported, load
from tests.onnx.test_models import model

pytestmark = pytest.mark.unchecked("a graph would hold the checks too")
ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def lags(tmp_path_factory: pytest.TempPathFactory) -> tuple[Stack, Path]:
    torch.manual_seed(0)
    layer = Stack(LSTM(3, 4), LookAhead(4, 2)).eval()
    with torch.no_grad():
        for weight in layer.parameters():
            nn.init.normal_(weight, std=0.5)
    folder = tmp_path_factory.mktemp("lags")
    recurra.export(layer, folder)
    return layer, folder


@pytest.fixture(scope="module")
def writes(tmp_path_factory: pytest.TempPathFactory) -> tuple[recurra.Model, Path]:
    folder = tmp_path_factory.mktemp("writes")
    given = model("translation", folder)
    export(given, folder / "out", rows=4)
    return given, folder / "out"


def test_a_sequence_is_that_of_the_layer(lags: tuple[Stack, Path]) -> None:
    layer, folder = lags
    x, lengths = torch.randn(3, 7, 3), torch.tensor([7, 0, 4])
    y, after = layer(x, lengths=lengths)
    found = load(folder).run("sequence", x=x.numpy(), lengths=[7, 0, 4])
    np.testing.assert_allclose(found["y"], y.detach(), atol=1e-6)
    np.testing.assert_allclose(found["0.c_next"], after[0].c.detach(), atol=1e-6)
    whole = load(folder).run("sequence", x=x.numpy())["y"]  # lengths and state as they usually are
    np.testing.assert_allclose(whole, layer(x)[0].detach(), atol=1e-6)


def test_a_stream_is_the_whole_and_its_state_can_be_put_back(lags: tuple[Stack, Path]) -> None:
    layer, folder = lags
    x = torch.randn(2, 6, 3)
    wanted = layer(x)[0].detach().numpy()
    stream = load(folder).stream(rows=2)
    assert stream.delay == 2
    said = []
    for t, frame in enumerate(x.numpy().transpose(1, 0, 2)):
        if t == 3:  # another stream goes on where this one stands
            stream = load(folder).stream(rows=2, state=stream.state)
        said.append(stream.step(frame))
    np.testing.assert_allclose(np.stack(said, 1), wanted, atol=1e-6)


def test_what_writes_writes_what_the_model_does(writes: tuple[recurra.Model, Path]) -> None:
    given, folder = writes
    rows = given.asked(None)[1][:2]
    batch = given.codec.collate([given.codec.encode(row) for row in rows])
    best = greedy(
        given.network, (batch.context, batch.context_lengths), start=2, end=3, max_steps=9
    )
    source = {"source": batch.context.numpy(), "source_lengths": batch.context_lengths.numpy()}
    found = load(folder).write([[2]] * 2, end=3, most=9, **source)
    assert found == [[t for t in one.tokens if t != 3] for one in best]
    drawn = [
        load(folder).write([[2]] * 2, end=3, most=9, temperature=1, seed=s, **source)
        for s in (0, 0, 1)
    ]
    assert drawn[0] == drawn[1] != drawn[2]
    with pytest.raises(InputError, match="use write"):
        load(folder).stream()


def test_a_language_model_goes_on_with_a_prompt(tmp_path: Path) -> None:
    given = model("language_model", tmp_path)
    export(given, tmp_path / "out", rows=2)
    prompt = torch.tensor([[5, 6, 7], [7, 5, 4]])
    state, said = given.network.start(prompt[:, :-1]), []
    token = prompt[:, -1]
    for _ in range(5):
        logits, state = given.network.advance(token, state)
        token = logits.argmax(-1)
        said.append(token)
    wanted = torch.stack(said, 1).tolist()
    found = load(tmp_path / "out").write(prompt.numpy(), end=-1, most=5)
    assert found == wanted


@pytest.mark.parametrize(
    ("graph", "given", "said"),
    [
        ("whole", {}, "there is no graph 'whole'; there is sequence, step"),
        ("sequence", {}, "sequence needs its input 'x': inputs"),
        ("sequence", {"y": 1}, "sequence has no input 'y'; it has x, lengths, 0.h"),
        ("sequence", {"x": np.zeros((2, 5, 4))}, r"x of sequence is \[2, 5, 4\]; it is"),
        ("sequence", {"x": np.zeros((2, 5))}, r"x of sequence is \[2, 5\]"),
        ("sequence", {"x": [["a"]]}, "x of sequence holds <U1; it takes float32"),
        ("sequence", {"x": np.zeros((2, 5, 3)), "lengths": [1]}, r"lengths of sequence is \[1\]"),
        ("sequence", {"x": np.zeros((2, 5, 3)), "lengths": [1.5, 2]}, "lengths .* holds float64"),
        ("step", {"x": np.zeros((2, 3)), "0.h": np.zeros((1, 4))}, r"0\.h of step is \[1, 4\]"),
    ],
)
def test_what_does_not_fit_is_said_in_a_line(
    lags: tuple[Stack, Path], graph: str, given: dict[str, object], said: str
) -> None:
    with pytest.raises(InputError, match=said):
        load(lags[1]).run(graph, **given)
    with pytest.raises(InputError, match="this model writes nothing"):
        load(lags[1]).write([[1]], end=0, most=3)


def test_a_damaged_folder_is_refused(lags: tuple[Stack, Path], tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="is no exported model"):
        load(tmp_path)
    for path in lags[1].iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    load(tmp_path)
    told = json.loads((tmp_path / "export.json").read_text())
    graph = tmp_path / "step.onnx"
    right = graph.read_bytes()
    graph.write_bytes(right[:-1] + b"x")
    with pytest.raises(BundleError, match=r"step\.onnx is damaged"):
        load(tmp_path)
    graph.unlink()
    with pytest.raises(BundleError, match=r"step\.onnx cannot be read"):
        load(tmp_path)
    for change in ({"schema": 2}, {"graphs": []}, {"graphs": {"step": {"file": "step.onnx"}}}):
        (tmp_path / "export.json").write_text(json.dumps({**told, **change}))
        with pytest.raises(BundleError, match=r"of schema 2|is not one of ours"):
            load(tmp_path)
    (tmp_path / "export.json").write_text("[" * 100_000)
    with pytest.raises(BundleError, match="is not one of ours"):
        load(tmp_path)
    outside = {**told["graphs"]["step"], "file": "../step.onnx"}
    (tmp_path / "export.json").write_text(json.dumps({**told, "graphs": {"step": outside}}))
    (tmp_path.parent / "step.onnx").write_bytes(right)
    with pytest.raises(BundleError, match="cannot be read"):
        load(tmp_path)


OTHERS = (  # what stands in pyproject.toml, and must not be needed
    "torch jaxtyping safetensors lightning torchdata cyclopts rich charset_normalizer onnx PIL"
)
BLOCK = f"for name in {OTHERS!r}.split(): sys.modules[name] = None"
ASK = """
import json, sys
{block}
from recurra.runtime import load
model = load(sys.argv[1])
answers = model.predict(json.loads(sys.argv[2]), beam=3)
assert not any(name.split(".")[0] == "torch" for name, module in sys.modules.items() if module)
print(json.dumps([one.asdict() for one in answers]))
"""
USE = """
import sys
{block}
import numpy as np
from recurra.runtime import load
model = load(sys.argv[1])
stream = model.stream()
for _ in range(3):
    y = stream.step(np.ones((1, 3)))
assert not any(name.split(".")[0] == "torch" for name, module in sys.modules.items() if module)
print(y.ravel().tolist())
"""


def test_it_needs_no_torch(lags: tuple[Stack, Path]) -> None:
    code = USE.format(block=BLOCK)
    check(lags, subprocess.run([sys.executable, "-c", code, str(lags[1])], **PIPED))


def test_texts_are_answered_without_torch(writes: tuple[recurra.Model, Path]) -> None:
    code = ASK.format(block=BLOCK)
    told = [str(writes[1]), json.dumps(TEXTS)]
    answered(writes, subprocess.run([sys.executable, "-c", code, *told], **PIPED))


@pytest.mark.slow
def test_it_runs_where_torch_is_not_installed(
    lags: tuple[Stack, Path], writes: tuple[recurra.Model, Path], tmp_path: Path
) -> None:
    venv.create(tmp_path / "venv", with_pip=True)
    python = str(tmp_path / "venv" / "bin" / "python")
    needed = ["numpy", "onnxruntime", "tokenizers", "-c", str(ROOT / "constraints.txt")]
    for packages in (needed, ["--no-deps", str(ROOT)]):
        subprocess.run([python, "-m", "pip", "install", "-q", *packages], check=True)
    assert subprocess.run([python, "-c", "import torch"], **PIPED).returncode
    done = subprocess.run([python, "-c", USE.format(block=""), str(lags[1])], cwd=tmp_path, **PIPED)
    check(lags, done)
    asked = [python, "-c", ASK.format(block=""), str(writes[1]), json.dumps(TEXTS)]
    answered(writes, subprocess.run(asked, cwd=tmp_path, **PIPED))


PIPED = {"capture_output": True, "text": True}
TEXTS = ["a red cat", "white"]


def answered(writes: tuple[recurra.Model, Path], done: "subprocess.CompletedProcess[str]") -> None:
    assert not done.returncode, done.stderr
    wanted = [one.asdict()["text"] for one in writes[0].predict(TEXTS, beam=3)]
    assert [one["text"] for one in json.loads(done.stdout)] == wanted


def check(lags: tuple[Stack, Path], done: "subprocess.CompletedProcess[str]") -> None:
    assert not done.returncode, done.stderr
    wanted = lags[0](torch.ones(1, 3, 3))[0][0, -1].tolist()
    assert json.loads(done.stdout) == pytest.approx(wanted, abs=1e-6)


def test_the_state_of_a_model_that_does_not_lag_goes_in_and_comes_out(tmp_path: Path) -> None:
    layer = recurra.Recurrent(GRU(2, 3)).eval()
    recurra.export(layer, tmp_path)
    exported = Exported(tmp_path)
    x, h = np.ones((1, 4, 2), np.float32), np.full((1, 3), 0.5, np.float32)
    found = exported.run("sequence", x=x, h=h)
    y, after = layer(torch.tensor(x), type(layer.initial_state(1))(torch.tensor(h)))
    np.testing.assert_allclose(found["y"], y.detach(), atol=1e-6)
    np.testing.assert_allclose(found["h_next"], after.h.detach(), atol=1e-6)
