"""Encoders of transformers, made small and saved here: nothing is fetched."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers

import recurra
from recurra.errors import BundleError
from recurra.tasks.encoders import FrozenEncoder, seen_by
from recurra.tasks.encoders.sources import Seen

from ..conftest import TINY, write_captions

MEAN, STD = [0.5, 0.4, 0.3], [0.2, 0.3, 0.4]


def vit() -> Any:
    return transformers.ViTConfig(
        hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16,
        image_size=32, patch_size=8,
    )  # fmt: skip  # as a table


def resnet() -> Any:
    return transformers.ResNetConfig(embedding_size=8, hidden_sizes=[8, 16], depths=[1, 1])


@pytest.fixture(params=[vit, resnet])
def home(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    torch.manual_seed(0)
    folder = tmp_path / "encoder"
    transformers.AutoModel.from_config(request.param()).save_pretrained(folder)
    settings = {"do_normalize": True, "image_mean": MEAN, "image_std": STD}
    (folder / "preprocessor_config.json").write_text(json.dumps(settings))
    return folder


def test_its_last_features_are_seen_of_normalised_pixels(home: Path):
    seen, network = seen_by(f"hf:{home}", 32)
    made = FrozenEncoder(seen, 5)
    made.fill(network.state_dict())
    x = torch.rand(2, 32, 32, 3)
    model = transformers.AutoModel.from_pretrained(home).eval()
    pixels = ((x - torch.tensor(MEAN)) / torch.tensor(STD)).permute(0, 3, 1, 2)
    last = model(pixel_values=pixels).last_hidden_state
    wanted = last.flatten(2).transpose(1, 2) if last.dim() == 4 else last
    assert made.look(x).shape[1:] == (seen.positions, seen.channels)
    torch.testing.assert_close(made.look(x).float(), wanted, atol=1e-3, rtol=1e-3)


def test_a_bundle_needs_its_folder_no_more(home: Path, tmp_path: Path, monkeypatch: Any):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "data").mkdir()
    data = write_captions(tmp_path / "data")
    fields = {"encoder": f"hf:{home}", "pixels": 32, "epochs": 1, "out": str(tmp_path / "run")}
    model = recurra.train("image_captioning", data=data, **{**TINY, **fields})
    home.rename(tmp_path / "away")
    loaded = recurra.load(tmp_path / "run")
    assert loaded.evaluate() == pytest.approx(model.metrics["test"], rel=1e-5)


def test_settings_that_the_library_refuses_are_told(home: Path):
    seen, _ = seen_by(f"hf:{home}", 32)
    wrong = Seen(**{**vars(seen), "settings": {"model_type": "no such model"}})
    with pytest.raises(BundleError, match="transformers refuses it"):
        wrong.network()


def test_a_bundle_names_no_code(home: Path, monkeypatch: pytest.MonkeyPatch):
    seen, _ = seen_by(f"hf:{home}", 32)
    assert not any(name.startswith("_") for name in seen.settings)
    code = {"auto_map": {"AutoModel": "evil.Model"}, "_attn_implementation": "someone/kernel"}
    asked: list[Any] = []
    make = transformers.AutoConfig.for_model
    monkeypatch.setattr(
        transformers.AutoConfig, "for_model", lambda *a, **k: (asked.append(k), make(*a, **k))[1]
    )
    Seen(**{**vars(seen), "settings": {**seen.settings, **code}}).network()
    assert not {"auto_map", "_attn_implementation"} & asked[0].keys()
