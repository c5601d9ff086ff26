"""Pictures that are written here, read by another library; and maps over them."""

import base64
import re
from io import BytesIO

import numpy as np
import pytest
import torch
from PIL import Image

from recurra.reports import Looked, Picture, as_grid
from recurra.reports.pictures import picture, png
from recurra.tasks.encoders import ImageEncoder


def opened(content: bytes) -> np.ndarray:
    with Image.open(BytesIO(content)) as image:
        return np.asarray(image)


@pytest.mark.parametrize("shape", [(5, 7, 3), (5, 7, 1), (1, 1, 1), (64, 48, 3)])
def test_a_picture_is_what_another_library_reads(shape: tuple[int, int, int]):
    image = np.random.default_rng(0).integers(0, 256, shape).astype(np.uint8)
    image.flat[0], image.flat[-1] = 0, 255
    read = opened(png(image))
    wanted = image[..., 0] if shape[2] == 1 else image
    np.testing.assert_array_equal(read, wanted if image.size > 1 else np.zeros((1, 1)))


def test_numbers_of_any_kind_go_from_black_to_white():
    image = np.array([[-2.0, 0.0], [np.nan, 2.0]])[..., None]
    assert opened(png(image)).tolist() == [[0, 127], [127, 255]]
    assert opened(png(np.array([[[300], [65_535]]], np.uint16))).tolist() == [[0, 255]]
    five = np.stack([np.full((2, 2), i) for i in range(5)], -1)
    assert opened(png(five)).shape == (2, 2, 3)
    two = np.stack([np.eye(2), np.ones((2, 2))], -1)
    assert opened(png(two)).tolist() == [[255, 0], [0, 255]]


def test_a_picture_is_enlarged_and_a_large_one_made_smaller():
    shown = picture(np.zeros((4, 6, 1)), 5)
    assert 'width="30" height="20"' in shown
    assert 'width="96" height="96"' in Picture(np.zeros((8, 8, 1))).html()
    html = Picture(np.zeros((1000, 500, 3), np.uint8)).html()
    assert 'width="72" height="143"' in html


def test_a_map_lies_over_the_picture_word_by_word():
    image = np.zeros((10, 20, 3), np.uint8)
    grids = [np.array([[1.0, 0.0], [0.5, 0.25]]), np.full((2, 2), 0.25)]
    html = Looked(image, ["a", "<b>"], grids).html()
    first, second = html.split("</figure>")[:2]
    found = re.findall(r'<rect x="([\d.]+)" y="([\d.]+)"[^>]*fill-opacity="([\d.]+)"', first)
    assert found == [
        ("0.0", "0.0", "0.00"),  # where it looked most there is no veil
        ("48.0", "0.0", "0.85"),
        ("0.0", "24.0", "0.42"),
        ("48.0", "24.0", "0.64"),
    ]
    assert 'width="48.0" height="24.0"' in first
    assert second.count('fill-opacity="0.00"') == 4
    # the picture is there once
    (name,) = re.findall(r'<image id="(\w+)"', html)
    assert html.count("base64,") == 1
    assert f'<use href="#{name}"/>' in second
    assert "<figcaption>&lt;b&gt;" in second
    content = re.findall(r"base64,([^\"]+)", html)[0]
    assert opened(base64.b64decode(content)).shape == (10, 20, 3)


def test_a_grid_has_the_shape_that_the_encoder_has_made():
    for height in range(8, 80, 5):
        for width in range(height // 2, 2 * height, 7):
            encoder = ImageEncoder((height, width, 1), 4, cells=8)
            rows, columns = encoder.layers(blank(height, width)).shape[2:]
            grid = as_grid(np.arange(encoder.positions), height, width)
            assert grid is not None
            assert grid.shape == (rows, columns), (height, width)
            assert grid.flatten().tolist() == list(range(rows * columns))


def blank(height: int, width: int) -> torch.Tensor:

    return torch.zeros(1, 1, height, width)


def test_a_position_for_the_whole_picture_is_left_out_and_what_fits_nothing_is_told():
    grid = as_grid(np.arange(50), 224, 224)
    assert grid is not None
    assert grid.tolist() == np.arange(1, 50).reshape(7, 7).tolist()
    for count in (0, 1, 23, 198):
        found = as_grid(np.arange(count), 64, 64)
        assert found is None or (count == 1 and found.shape == (1, 1)), count
    image = np.zeros((8, 8, 1))
    assert Looked.of(image, ["a"], np.ones((1, 23))) is None
    assert Looked.of(image, [], np.ones((0, 4))) is None
    assert Looked.of(image, ["a", "b"], np.ones((2, 4))) is not None
