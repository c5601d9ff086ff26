"""A captioner with a frozen encoder: what it was trained on is what it sees later."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

import recurra
from recurra.errors import BundleError, DataError, RecurraError
from recurra.tasks.encoders import FrozenEncoder, remembered, seen_by
from recurra.tasks.encoders.sources import Seen, as_grid

from ..conftest import TINY, write_captions
from .conftest import drawn

FEW = {**TINY, "epochs": 1, "pixels": 48}


def scaled(x: np.ndarray) -> np.ndarray:
    return x.astype(np.float32) / 255


def encoder(weights: Path, side: int = 48) -> FrozenEncoder:
    seen, network = seen_by(str(weights), side)
    made = FrozenEncoder(seen, 5, dropout=0.5)
    made.fill(network.state_dict())
    return made.eval()


def pictures(count: int) -> list[np.ndarray]:
    random = np.random.default_rng(1)
    return [random.integers(0, 256, (48, 48, 3), np.uint8) for _ in range(count)]


def test_what_is_remembered_is_what_is_seen(weights: Path, cache: Path):
    made, images = encoder(weights), pictures(5)
    images = [images[i] for i in (3, 0, 1, 3, 2, 4)]  # one of them twice
    found = remembered(made, images, scaled)
    x = torch.from_numpy(scaled(np.stack(images)))
    wanted = made.look(x)
    for row, one in zip(found, wanted, strict=True):
        assert np.array_equal(row, one.numpy())
    assert torch.equal(made(x), made(torch.stack([torch.from_numpy(row) for row in found])))
    (path,) = cache.iterdir()
    assert np.load(path).shape == (5, made.seen.positions, 512)


def test_it_is_computed_once(weights: Path, cache: Path, monkeypatch: pytest.MonkeyPatch):
    made, images = encoder(weights), pictures(3)
    first = [row.copy() for row in remembered(made, images, scaled)]
    looked: list[int] = []
    look = FrozenEncoder.look
    monkeypatch.setattr(
        FrozenEncoder, "look", lambda self, x: (looked.append(len(x)), look(self, x))[1]
    )
    again = remembered(made, images, scaled)
    assert not looked
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
    (path,) = cache.iterdir()
    path.write_bytes(path.read_bytes()[:99])  # a file that was cut is written anew
    remembered(made, images, scaled)
    assert looked == [3]
    with torch.no_grad():
        next(made.frozen.parameters()).add_(1)
    remembered(made, images, scaled)
    other = [*images[:2], images[2] ^ 1]
    remembered(made, other, scaled)
    assert looked == [3, 3, 3]
    assert len(list(cache.iterdir())) == 3


def test_a_refusing_disk_is_told(weights: Path, cache: Path):
    cache.parent.mkdir(parents=True)
    cache.write_text("in the way")
    with pytest.raises(RecurraError, match="cannot be written"):
        remembered(encoder(weights), pictures(2), scaled)


def test_training_leaves_it_as_it_was(weights: Path, tmp_path: Path):
    (tmp_path / "data").mkdir()
    data = write_captions(tmp_path / "data")
    fields = {"encoder": str(weights), "average": 0.5, "out": str(tmp_path / "run")}
    model = recurra.train("image_captioning", data=data, **{**FEW, **fields})
    frozen = model.network.encoder.frozen
    wanted = dict(drawn().named_parameters())
    for name, tensor in frozen.named_parameters():
        assert torch.equal(tensor, wanted[name])
    model.network.train()
    assert not frozen.training
    assert model.network.encoder.map[0].training


@pytest.mark.parametrize("members", [1, 2])
def test_a_bundle_needs_neither_file_nor_cache(
    weights: Path, cache: Path, tmp_path: Path, members: int
):
    (tmp_path / "data").mkdir()
    data = write_captions(tmp_path / "data")
    out = str(tmp_path / "run")
    fields = {"encoder": str(weights), "out": out, "beam": 2, "members": members}
    model = recurra.train("image_captioning", data=data, **{**FEW, **fields})
    weights.unlink()
    shutil.rmtree(cache)
    loaded = recurra.load(tmp_path / "run")
    # the test part's pixels go through the frozen network; in training its features were read
    assert loaded.evaluate() == pytest.approx(model.metrics["test"], rel=1e-5)
    image = pictures(1)[0]
    assert loaded.predict([image]) == model.predict([image])


def test_features_of_other_pictures_do_not_pass_for_one(weights: Path, tmp_path: Path):
    (tmp_path / "data").mkdir()
    data = write_captions(tmp_path / "data")
    fields = {"encoder": str(weights), "out": str(tmp_path / "run")}
    model = recurra.train("image_captioning", data=data, **{**FEW, **fields})
    with pytest.raises(RecurraError, match="48"):
        model.predict([np.zeros((10, 512), np.float16)])


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("resnet", "convolution, or a SqueezeNet's file"),
        ("none.npz", "does not exist"),
        ("hf:/none/such", "cannot be loaded"),
    ],
)
def test_an_encoder_that_is_none_is_refused(source: str, said: str, tmp_path: Path):
    (tmp_path / "data").mkdir()
    data = write_captions(tmp_path / "data")
    fields = {"encoder": source, "out": str(tmp_path / "run")}
    with pytest.raises(RecurraError, match=said):
        recurra.train("image_captioning", data=data, **{**FEW, **fields})


def test_pictures_that_are_too_small_are_refused(weights: Path):
    with pytest.raises(RecurraError, match="--pixels"):
        seen_by(str(weights), 4)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"kind": "squeezenet"}', "null"])
def test_a_bundle_that_describes_no_encoder_is_refused(text: str):
    with pytest.raises(BundleError, match="describes no encoder"):
        Seen.from_json(text)


@pytest.mark.parametrize("change", [{"positions": 0}, {"channels": "512"}, {"mean": [1.0]}])
def test_a_bundle_with_wrong_sizes_is_refused(change: dict, weights: Path):
    seen, _ = seen_by(str(weights), 48)
    stored = {**json.loads(seen.to_json()), **change}
    with pytest.raises(BundleError, match="describes no encoder"):
        Seen.from_json(json.dumps(stored))


def test_an_unknown_kind_is_refused():
    with pytest.raises(BundleError, match="is no kind of encoder"):
        Seen("resnet", 4, 8, 32).network()


@pytest.mark.parametrize(("height", "width", "positions"), [(8, 8, 64), (13, 13, 49), (9, 17, 18)])
def test_of_a_large_map_neighbours_are_averaged(height: int, width: int, positions: int):
    y = torch.randn(2, 3, height, width)
    grid = as_grid(y)
    assert grid.shape == (2, positions, 3)
    apart = max(-(-max(height, width) // 8), 1)
    last = y[:, :, (height - 1) // apart * apart :, (width - 1) // apart * apart :]
    torch.testing.assert_close(grid[:, -1], last.mean((2, 3)))  # fewer at the edge, and their mean
    torch.testing.assert_close(grid[:, 0], y[:, :, :apart, :apart].mean((2, 3)))


@pytest.mark.parametrize("name", ["hf-hub:some/model", "local-dir:/tmp/x", "a b", ""])
def test_a_name_that_is_no_model_of_timms_is_refused(name: str):
    with pytest.raises(RecurraError, match="a model that timm has"):
        Seen("timm", 4, 8, 32, {"name": name}).network()


def test_weights_of_another_file_are_told_of(weights: Path):
    weights.write_bytes(b"text")
    with pytest.raises(DataError, match="no archive"):
        seen_by(str(weights), 48)


def test_a_report_shows_pictures_and_where_their_words_looked(weights: Path, tmp_path: Path):
    (tmp_path / "data").mkdir()
    data, out = write_captions(tmp_path / "data"), tmp_path / "run"
    given = {"encoder": str(weights), "max_length": 5, "out": str(out)}
    model = recurra.train("image_captioning", data=data, **FEW, **given)
    text = (out / "report.html").read_text()
    worst, looked = (
        text.partition(f"<h2>{title}</h2>")[2].partition("</section>")[0]
        for title in ("Worst texts", "Where it looked")
    )
    assert worst.count('src="data:image/png') == model.metrics["test_examples"]
    assert 'width="96" height="96"' in worst  # twice 48 pixels
    positions = model.codec.seen.positions
    assert looked.partition("</figure>")[0].count("<rect") == positions == 4
    model.report(tmp_path)
    assert (tmp_path / "report.html").read_text() == text
