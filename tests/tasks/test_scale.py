"""Pixels have one scale, whatever their kind, in training and prediction; any size trains."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import recurra
from recurra.cli import main
from recurra.codecs.scale import Scale
from recurra.data.readers.arrays import LabelledImage
from recurra.data.readers.captions import CaptionedImage
from recurra.data.vocabulary import Vocabulary
from recurra.errors import DataError
from recurra.tasks.codecs.captions import CaptionCodec
from recurra.tasks.codecs.pictures import ImageCodec
from recurra.tasks.encoders.convolution import ImageEncoder, Normalisation

from .conftest import TINY

BYTES = np.array([[0, 51, 255]], np.uint8)


def scaled(scale: Scale, image: np.ndarray) -> list[float]:
    found: list[float] = scale(image).ravel().tolist()
    return [round(value, 4) for value in found]


@pytest.mark.parametrize(
    ("image", "deeper"),
    [
        (BYTES, 0),
        (BYTES.astype(np.uint16) * 257, 16),
        (BYTES.astype(np.uint16) * 16 + BYTES // 16, 12),
        (BYTES.astype(np.uint16), 8),
        (BYTES.astype(np.float32) / 255, 0),
        (BYTES.astype(np.float32), 0),
    ],
    ids=["8", "16", "12 of 16", "8 of 16", "to 1", "to 255"],
)
def test_one_picture_at_every_depth(image: np.ndarray, deeper: int) -> None:
    scale = Scale.fit([image])
    assert np.abs(np.array(scaled(scale, image)) - [0, 0.2, 1]).max() < 1e-3
    assert scaled(scale, BYTES) == [0, 0.2, 1]  # bytes are the same for every model
    assert not deeper or scale.bits == deeper
    assert Scale.of({"low": scale.low, "high": scale.high, **vars(scale)}) == scale


def test_other_numbers_go_from_the_least_to_the_greatest() -> None:
    images = [np.array([-2.0, 0.0], np.float32), np.array([6.0], np.float32)]
    assert scaled(Scale.fit(images), np.array([-2, 0, 6, 8], np.float32)) == [0, 0.25, 1, 1.25]
    assert scaled(Scale.fit([np.full(3, 7.0, np.float32)]), np.full(1, 7.0, np.float32)) == [0]


def test_the_deepest_image_decides() -> None:
    images = [np.array([value], np.uint16) for value in (900, 4000, 5)]
    assert Scale.fit(images).bits == 12


def codec(*images: np.ndarray) -> ImageCodec:
    return ImageCodec(["a"], (1, 3, 1), Scale.fit(images))


@pytest.mark.parametrize("values", [[0, 0.5, 1], [-1, 4, 9], [0, 20, 300]], ids=str)
def test_numbers_that_mean_something_else_are_refused(values: list[float]) -> None:
    image = np.array(values, np.float32).reshape(1, 3, 1)
    with pytest.raises(DataError, match=r"x: holds numbers from .* this model reads 0 to 255"):
        codec(BYTES).encode(LabelledImage(image, "a", "x"))
    codec(image).encode(LabelledImage(image, "a", "x"))
    codec(BYTES).encode(LabelledImage(image * 0 + 90, "a", "x"))


def test_sixteen_bits_of_another_depth_are_refused() -> None:
    def image(*values: int) -> LabelledImage:
        return LabelledImage(np.array(values, np.uint16).reshape(1, 3, 1), "a", "x")

    twelve, plain = codec(image(0, 1, 4000).image), codec(BYTES)
    assert (twelve.scale.bits, plain.scale.bits) == (12, 0)
    for model, one in [(twelve, image(0, 1, 65535)), (plain, image(0, 1, 4000))]:
        with pytest.raises(
            DataError, match=r"x: has values up to \d+ in 16 bits; this model reads"
        ):
            model.encode(one)
    for model, one in [(twelve, image(0, 1, 4200)), (plain, image(0, 0, 0))]:
        model.encode(one)
    assert scaled(plain.scale, image(0, 13107, 65535).image) == [0, 0.2, 1]


def test_a_model_keeps_its_scale(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from PIL import Image

    random = np.random.default_rng(0)
    for i in range(20):
        pixels = random.integers(0, 4096, (4, 4)).astype(np.uint16)
        (tmp_path / "data" / "ab"[i % 2]).mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(tmp_path / f"data/{'ab'[i % 2]}/{i}.png")
    data, out = str(tmp_path / "data"), str(tmp_path / "run")
    run = ["train", "image_classification", "--data", data, "--out", out]
    assert main([*run, "--epochs", "1", "--hidden", "4", "--embedding", "4"]) == 0
    assert f"{data}: pixels use 12 of 16 bits; 0 to 4095 become 0 to 1" in capsys.readouterr().err
    model = recurra.load(out)
    white = [np.full((4, 4), 4095, np.uint16), np.full((4, 4), 255, np.uint8)]
    ours = [answer.probabilities for answer in model.predict(white)]
    assert ours[0] == pytest.approx(ours[1])


@pytest.mark.parametrize("batch", [1, 8, 23])
@pytest.mark.parametrize("size", [(1, 1), (1, 150), (40, 1)], ids=str)
def test_pictures_of_any_size_train_in_batches_of_any_size(
    size: tuple[int, int], batch: int, tmp_path: Path
) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (30, *size)).astype(np.uint8)
    np.savez(tmp_path / "all.npz", x=pixels, y=np.arange(30) % 2)
    given: dict[str, Any] = {**TINY, "batch_size": batch, "out": str(tmp_path / "run")}
    model = recurra.train("image_classification", data=str(tmp_path / "all.npz"), **given)
    answer = model.predict([pixels[0]])[0]
    assert 0 < answer.probability <= 1


def test_one_value_per_channel_is_normalised_by_what_was_seen_before() -> None:
    layer = Normalisation(2)
    layer(torch.randn(50, 2, 1, 1) * 3 + 5)
    before = {name: value.clone() for name, value in layer.state_dict().items()}
    x = torch.randn(1, 2, 1, 1, requires_grad=True)
    y = layer(x)
    mean, variance = before["running_mean"], before["running_var"]
    assert torch.allclose(y.flatten(), (x.flatten() - mean) / (variance + layer.eps).sqrt())
    y.sum().backward()
    assert x.grad is not None
    assert x.grad.abs().min() > 0
    assert all(torch.equal(layer.state_dict()[name], before[name]) for name in before)


def test_more_values_are_normalised_by_their_own() -> None:
    ours, theirs = Normalisation(2), torch.nn.BatchNorm2d(2)
    for shape in [(2, 2, 1, 1), (1, 2, 1, 2), (3, 2, 4, 4)]:
        x = torch.randn(shape)
        assert torch.equal(ours(x), theirs(x))
    assert torch.equal(ours.running_mean, theirs.running_mean)
    assert ImageEncoder((1, 1, 1), 4)(torch.rand(1, 1, 1, 1)).shape == (1, 1, 4)


def test_captions_keep_the_scale_too() -> None:
    vocabulary = Vocabulary.build([["a", "cat"]], size=10, least=1)
    ours = CaptionCodec(vocabulary, (1, 3, 1), Scale(0.0, 4095.0, 12, real=False))
    again = CaptionCodec.from_files(ours.files())
    assert again.scale == ours.scale
    image = np.array([0.0, 0.5, 1.0], np.float32).reshape(1, 3, 1)
    with pytest.raises(DataError, match="holds numbers from 0 to 1; this model reads 0 to 4095"):
        again.encode(CaptionedImage(image, ["a cat"], "x"))
