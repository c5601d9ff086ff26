"""Picture files as a viewer shows them: upright, on white, at their own depth."""

import struct
import zlib
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from recurra.data.readers import captions, images
from recurra.data.readers.pictures import load, sizes
from recurra.data.readers.text import Rows
from recurra.errors import DataError
from tests.every import Every as Recipe

SIZE = (3, 2)
INK = np.array([[0, 90, 255], [30, 255, 0]], np.uint8)  # how much of it, from none to all


def rgba(colour: tuple[int, int, int] = (0, 0, 0)) -> Any:
    clear = np.zeros((2, 3, 4), np.uint8)
    clear[..., :3], clear[..., 3] = colour, INK
    return Image.fromarray(clear)


def palette() -> Any:
    picture = Image.new("P", SIZE, 1)
    picture.putpalette([0, 0, 0, 200, 0, 0])
    picture.putpixel((0, 0), 0)
    picture.info["transparency"] = 0
    return picture


def keyed(mode: str, dark: Any, key: Any) -> Any:
    """Return a dark picture whose first pixel has the colour that is transparent."""
    picture = Image.new(mode, SIZE, dark)
    picture.putpixel((0, 0), key)
    picture.info["transparency"] = key
    return picture


def saved(path: Path, picture: Any, **options: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    picture.save(path, **options)
    return path


def read(path: Path, size: tuple[int, int] = SIZE, channels: int = 3) -> np.ndarray:
    pixels = load(path, str(path), size, Rows(), channels)
    assert pixels is not None
    return pixels


TRANSPARENT = {
    "RGBA": (rgba, 255 - INK[..., None].repeat(3, 2)),
    "LA": (lambda: rgba().convert("LA"), 255 - INK[..., None].repeat(3, 2)),
    "red": (lambda: rgba((255, 0, 0)), None),
    "P": (palette, None),
    "L": (lambda: keyed("L", 10, 7), None),
    "1": (lambda: keyed("1", 0, 1), None),
    "RGB": (lambda: keyed("RGB", (10, 10, 10), (7, 8, 9)), None),
}


@pytest.mark.parametrize("name", TRANSPARENT)
def test_what_is_transparent_is_white(name: str, tmp_path: Path) -> None:
    make, expected = TRANSPARENT[name]
    pixels = read(saved(tmp_path / "a.png", make()))
    assert pixels[0, 0].tolist() == [255, 255, 255]
    if name == "red":
        expected = np.stack([np.full_like(INK, 255), 255 - INK, 255 - INK], 2)
    if expected is not None:
        assert np.abs(pixels.astype(int) - expected).max() <= 1
    else:
        assert pixels[1, 1].mean() < 70  # and only that
    grey = read(tmp_path / "a.png", channels=1)
    assert grey[0, 0] == 255


@pytest.mark.parametrize("ending", ["png", "webp", "tif", "gif"])
def test_every_format_with_transparency(ending: str, tmp_path: Path) -> None:
    options = {"lossless": True} if ending == "webp" else {}
    clear = np.zeros((2, 3, 4), np.uint8)
    clear[1, :, 3] = 255
    pixels = read(saved(tmp_path / f"a.{ending}", Image.fromarray(clear), **options))
    assert pixels[..., 0].tolist() == [[255] * 3, [0] * 3]


def test_transparency_is_white_in_training_prediction_and_captions(tmp_path: Path) -> None:
    for i in range(20):
        saved(tmp_path / "two" / "ab"[i % 2] / f"{i}.png", rgba((i, 0, 0)))
        saved(tmp_path / "captions" / f"{i}.png", rgba((i, 0, 0)))
    read_ones = [
        images.read_path(tmp_path / "two", Rows())[0],
        images.open_image(tmp_path / "two/a/0.png", (2, 3, 3)),
    ]
    assert [row.image[0, :, 1].tolist() for row in read_ones] == [(255 - INK[0]).tolist()] * 2
    text = "".join(f"{i}.png,a thing {i}\n" for i in range(20))
    (tmp_path / "captions/all.csv").write_text("image,caption\n" + text)
    told = captions.read(Recipe(data=str(tmp_path / "captions")), size=2)
    assert all(row.image.mean() > 100 for part in told.parts for row in part)


TURNS = {
    1: lambda x: x,
    2: lambda x: x[:, ::-1],
    3: lambda x: x[::-1, ::-1],
    4: lambda x: x[::-1],
    5: lambda x: x.transpose(1, 0, 2),
    6: lambda x: np.rot90(x, 1),
    7: lambda x: np.rot90(x, 2).transpose(1, 0, 2),
    8: lambda x: np.rot90(x, -1),
}


@pytest.mark.parametrize("ending", ["png", "jpg", "tif", "webp"])
@pytest.mark.parametrize("tag", TURNS)
def test_a_picture_is_turned_as_its_tag_says(tag: int, ending: str, tmp_path: Path) -> None:
    upright = np.zeros((160, 80, 3), np.uint8)
    upright[:80, :40, 0], upright[80:, :40, 1] = 255, 255
    # a reader that follows the tag undoes this
    stored = np.ascontiguousarray(TURNS[tag](upright))
    exif = Image.Exif()
    exif[0x0112] = tag
    path = saved(tmp_path / f"a.{ending}", Image.fromarray(stored), exif=exif, quality=95)
    assert sizes([path], tmp_path) == ((64, 128), 3)
    for size in [(80, 160), (20, 40)]:
        pixels = read(path, size).astype(int)
        low = pixels.shape[0] // 4
        assert pixels[low, low // 2, 0] > 200
        assert pixels[3 * low, low // 2, 1] > 200
        assert pixels[low, 3 * low // 2].max() < 60


def test_a_turned_picture_keeps_its_detail(tmp_path: Path) -> None:
    stored = np.zeros((1600, 100), np.uint8)
    stored[:, ::2] = 255
    exif = Image.Exif()
    exif[0x0112] = 6
    path = saved(tmp_path / "a.jpg", Image.fromarray(stored), exif=exif, quality=100)
    lines = read(path, (50, 100), 1)[:, 25, 0].astype(int)
    assert np.abs(np.diff(lines)).min() > 200


def test_damaged_tags_turn_nothing(tmp_path: Path) -> None:
    path = saved(
        tmp_path / "a.jpg", Image.new("RGB", (8, 4)), exif=b"Exif\0\0II*\0\xff\xff\xff\xff"
    )
    assert sizes([path], tmp_path)[0] == (8, 4)
    assert read(path, (8, 4)).shape == (4, 8, 3)


GREYS = np.array([[0, 1000, 4095], [2, 40000, 65535]], np.uint16)


def test_sixteen_bits_are_kept(tmp_path: Path) -> None:
    for name in ("a.png", "a.tif"):
        pixels = read(saved(tmp_path / name, Image.fromarray(GREYS)), channels=1)
        assert (pixels.dtype, pixels[..., 0].tolist()) == (np.uint16, GREYS.tolist())
    big = Image.frombytes("I;16B", SIZE, GREYS.astype(">u2").tobytes())
    pixels = read(saved(tmp_path / "big.tif", big))
    assert pixels[..., 1].tolist() == GREYS.tolist()
    whole = Image.fromarray(GREYS.astype(np.int32))
    assert read(saved(tmp_path / "32.tif", whole))[..., 2].tolist() == GREYS.tolist()
    (tmp_path / "a.pgm").write_bytes(b"P5 3 2 65535\n" + GREYS.astype(">u2").tobytes())
    assert read(tmp_path / "a.pgm")[..., 2].tolist() == GREYS.tolist()
    (tmp_path / "b.pgm").write_bytes(b"P5 1 1 4095\n" + struct.pack(">H", 4095))
    assert read(tmp_path / "b.pgm", (1, 1)).max() == 65535
    even = Image.fromarray(np.full((9, 9), 1000, np.uint16))
    assert read(saved(tmp_path / "c.png", even), (4, 5)).tolist() == [[[1000] * 3] * 4] * 5


def test_sixteen_bits_are_turned_and_transparent_like_others(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    path = saved(tmp_path / "a.png", Image.fromarray(GREYS), exif=exif)
    assert read(path, (2, 3), 1)[..., 0].tolist() == np.rot90(GREYS, -1).tolist()
    saved(tmp_path / "b.png", Image.fromarray(GREYS), transparency=1000)
    assert read(tmp_path / "b.png", channels=1)[0, 1, 0] == 65535


def retagged(content: bytes, **tags: int) -> bytes:
    """Return a TIFF with other numbers in tags that it has; 284 becomes 339, the sign."""
    changed = bytearray(content)
    start = struct.unpack_from("<I", content, 4)[0]
    for n in range(struct.unpack_from("<H", content, start)[0]):
        place = start + 2 + 12 * n
        tag = struct.unpack_from("<H", content, place)[0]
        if f"t{tag}" in tags:
            name = 339 if tag == 284 else tag
            struct.pack_into("<HHIHH", changed, place, name, 3, 1, tags[f"t{tag}"], 0)
    return bytes(changed)


def test_twelve_packed_bits_have_their_own_range(tmp_path: Path) -> None:
    content = retagged(tiff(Image.fromarray(np.zeros((1, 3), np.uint8))), t256=2, t258=12)
    (tmp_path / "a.tif").write_bytes(content[:-3] + b"\xff\xf8\x00")
    assert read(tmp_path / "a.tif", (2, 1), 1).ravel().tolist() == [65535, 32776]


def test_a_colour_of_sixteen_bits_can_be_the_transparent_one(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(png(0x1234, clear=struct.pack(">HHH", *[0x1234] * 3)))
    assert read(tmp_path / "a.png").min() == 255
    (tmp_path / "b.png").write_bytes(png(0x1234, clear=struct.pack(">HHH", *[0x9934] * 3)))
    assert read(tmp_path / "b.png").max() == 0x12


def test_real_numbers_are_kept(tmp_path: Path) -> None:
    numbers = np.array([[0, 0.5, 1], [-3, 1e6, 0.25]], np.float32)
    pixels = read(saved(tmp_path / "a.tif", Image.fromarray(numbers)), channels=1)
    assert (pixels.dtype, pixels[..., 0].tolist()) == (np.float32, numbers.tolist())


def png(value: int, clear: bytes = b"") -> bytes:
    """Return a PNG with colours of 16 bits, one of them transparent."""
    values = np.full((2, 3, 3), value, ">u2")
    lines = b"".join(b"\0" + line.tobytes() for line in values)
    file = b"\x89PNG\r\n\x1a\n"
    header = struct.pack(">IIBBBBB", 3, 2, 16, 2, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"tRNS", clear), (b"IDAT", zlib.compress(lines)), (b"IEND", b"")]
    for kind, data in chunks if clear else [chunks[0], *chunks[2:]]:
        body = kind + data
        file += struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))
    return file


def tiff(picture: Any) -> bytes:
    file = BytesIO()
    picture.save(file, "TIFF")
    return file.getvalue()


WRONG: dict[str, tuple[Callable[[], bytes], str]] = {
    "a.png": (lambda: b"", "is empty"),
    "b.png": (lambda: png(4000)[:40], "cannot be read as a picture"),
    "c.png": (lambda: png(4000), "uses 12 or fewer of 16 bits in its colours"),
    "d.tif": (lambda: tiff(Image.new("I", SIZE, 70000)), "whole numbers from 70000 to 70000"),
    "e.tif": (lambda: tiff(Image.new("F", SIZE, float("nan"))), "not finite"),
    "f.tif": (lambda: tiff(Image.new("LAB", SIZE)), "LAB colours; save it as RGB"),
    "g.pgm": (lambda: b"P5 9999 9999 255\n", "9999×9999 pixels, over 64 million"),
    "h.pgm": (lambda: b"P5 99999 99999 255\n", "cannot be read as a picture"),
    "j.tif": (lambda: retagged(tiff(Image.new("L", SIZE)), t284=2), "has signed bytes"),
    "k.tif": (lambda: retagged(tiff(Image.new("I;16", SIZE)), t262=0), "has 0 as white in over"),
    "i.jpg": (lambda: b"\xff\xd8\xff\xe0 no picture", "cannot be read as a picture"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_cannot_be_read_rightly_is_refused(
    name: str, tmp_path: Path, recwarn: pytest.WarningsRecorder
) -> None:
    content, reason = WRONG[name]
    path = tmp_path / name
    path.write_bytes(content())
    with pytest.raises(DataError, match=reason) as caught:
        read(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)
    rows = Rows(skip=True)
    assert load(path, name, SIZE, rows) is None
    assert rows.skipped == 1
    assert not recwarn.list


def test_what_is_assumed_is_said_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    frames = [Image.new("L", SIZE, value) for value in (10, 200)]
    rows = Rows()
    for name in ("a.gif", "b.gif", "c.tif"):
        path = saved(tmp_path / name, frames[0], save_all=True, append_images=frames[1:])
        pixels = load(path, name, SIZE, rows)
        assert pixels is not None
        assert pixels.max() == 10
    for name, value in [("d.png", 40000), ("e.png", 65535)]:
        (tmp_path / name).write_bytes(png(value))
        pixels = load(tmp_path / name, name, SIZE, rows)
        assert pixels is not None
        assert pixels.max() == value >> 8
    assert capsys.readouterr().err.splitlines() == [
        "a.gif: has several frames or pages; the first is read, here as elsewhere",
        "d.png: has colours of 16 bits; their upper 8 are read, here as elsewhere",
    ]


@pytest.mark.parametrize("mode", ["CMYK", "YCbCr"])
def test_other_colours_become_red_green_and_blue(mode: str, tmp_path: Path) -> None:
    red = Image.new("RGB", SIZE, (250, 10, 10)).convert(mode)
    pixels = read(saved(tmp_path / "a.tif", red)).astype(int)
    assert np.abs(pixels - [250, 10, 10]).max() < 5
    pixels = read(saved(tmp_path / "a.jpg", red, quality=100)).astype(int)
    assert np.abs(pixels - [250, 10, 10]).max() < 8


@pytest.mark.parametrize("seed", range(4))
def test_damaged_files_are_read_or_refused(seed: int, tmp_path: Path) -> None:
    random = np.random.default_rng(seed)
    sound = Image.fromarray(random.integers(0, 256, (9, 9, 3)).astype(np.uint8))
    for ending in ("png", "jpg", "gif", "tif", "webp", "bmp", "ppm"):
        path = saved(tmp_path / f"a.{ending}", sound)
        content = np.frombuffer(path.read_bytes(), np.uint8).copy()
        for _ in range(12):
            damaged = content.copy()
            places = random.integers(0, len(damaged), 4)
            damaged[places] = random.integers(0, 256, 4)
            path.write_bytes(damaged[: random.integers(1, len(damaged) + 1)].tobytes())
            rows = Rows(skip=True)
            pixels = load(path, "a", SIZE, rows)
            assert (pixels is None) == bool(rows.skipped)
