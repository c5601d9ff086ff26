import json
import os
import pickle
import resource
import shutil
import struct
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from recurra import bundle, storage
from recurra.errors import BundleError, RecurraError

CONFIG = {"task": "sentiment", "recipe": {"epochs": 3, "data": None}}
FILES = {"vocabulary.json": '["ein", "über"]', "labels.txt": "a\nb\n"}


def tensors(value: float = 1.0) -> dict[str, torch.Tensor]:
    return {
        "cell.bias": torch.full((3,), value),
        "half": torch.full((2, 2), value, dtype=torch.bfloat16),
        "scalar": torch.tensor(7),
        "empty": torch.zeros(0, 4),
    }


def write(folder: Path, value: float = 1.0, **files: str) -> Path:
    bundle.write(folder, CONFIG, tensors(value), files or FILES, "# A card\n")
    return folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write(tmp_path / "model")


def test_what_was_written_is_read(folder):
    config, read, files = bundle.read(folder)
    assert config["task"] == "sentiment"
    assert config["recipe"] == CONFIG["recipe"]
    assert config["schema"] == 2
    assert config["torch"] == torch.__version__
    assert files == FILES
    assert read.keys() == tensors().keys()
    for name, tensor in tensors().items():
        assert torch.equal(read[name], tensor)
        assert read[name].dtype == tensor.dtype
    assert (folder / "README.md").read_text() == "# A card\n"
    assert not [p.name for p in folder.iterdir() if p.name.startswith(".")]


def test_tied_weights_are_written_twice(tmp_path):
    shared = torch.arange(4.0)
    bundle.write(tmp_path, CONFIG, {"a": shared, "b": shared, "c": shared.view(2, 2)}, {}, "")
    read = bundle.read(tmp_path).tensors
    assert torch.equal(read["a"], shared)
    assert torch.equal(read["b"], shared)
    assert torch.equal(read["c"], shared.view(2, 2))


def test_weights_are_replaced_and_the_rest_is_kept(folder):
    bundle.replace_weights(folder, tensors(2.0), {"step": "12"})
    again = bundle.read(folder)
    assert again.tensors["cell.bias"][0] == 2.0
    assert again.files == FILES
    assert storage.load_tensors(folder / "model.safetensors")[1]["step"] == "12"


def test_every_length_of_header_is_read(folder):
    """A header of 128 bytes begins as a pickle does."""
    starts = set()
    for length in range(0, 256, 8):
        bundle.replace_weights(folder, tensors(), {"x": "y" * length})
        assert torch.equal(bundle.read(folder).tensors["scalar"], torch.tensor(7))
        starts.add((folder / "model.safetensors").read_bytes()[:1])
    assert b"\x80" in starts


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)


def edit(folder: Path, **changes: object) -> None:
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, **changes}))


def link(folder: Path, name: str) -> None:
    outside = folder.parent / f"outside-{name}"
    (folder / name).rename(outside)
    (folder / name).symlink_to(outside)


def only_pickle(folder: Path) -> None:
    (folder / "model.safetensors").unlink()
    (folder / "pytorch_model.bin").write_bytes(pickle.dumps({}))


def grow(path: Path, size: int) -> None:
    with path.open("r+b") as file:
        file.truncate(size)


def rename_fifo(folder: Path) -> None:
    (folder / "labels.txt").unlink()
    os.mkfifo(folder / "labels.txt")


WEIGHTS = "model.safetensors"
DAMAGE = {
    "missing folder": (shutil.rmtree, "does not exist"),
    "file, no folder": (lambda f: (shutil.rmtree(f), f.write_text("")), "is not a folder"),
    "missing config": (lambda f: (f / "config.json").unlink(), "config.json is missing"),
    "missing codec file": (lambda f: (f / "labels.txt").unlink(), "labels.txt is missing"),
    "missing weights": (lambda f: (f / WEIGHTS).unlink(), "model.safetensors is missing"),
    "weights cut short": (lambda f: grow(f / WEIGHTS, 200), "cut short|damaged"),
    "weights cut to nothing": (lambda f: grow(f / WEIGHTS, 3), "cut short"),
    "flipped byte in weights": (lambda f: flip(f / WEIGHTS), "damaged: its sha256"),
    "flipped byte in codec file": (lambda f: flip(f / "labels.txt"), "damaged: its sha256"),
    "foreign safetensors": (lambda f: save_file({"w": torch.zeros(2)}, f / WEIGHTS), "no sha256"),
    "newer schema": (lambda f: edit(f, schema=3), "schema 3; this recurra reads 2: upgrade"),
    "schema true": (lambda f: edit(f, schema=True), "not a recurra bundle"),
    "foreign config": (lambda f: (f / "config.json").write_text('{"a": 1}'), "not a recurra"),
    "config a list": (lambda f: (f / "config.json").write_text("[1]"), "not a recurra bundle"),
    "config no JSON": (lambda f: (f / "config.json").write_text("{a"), "config.json is no JSON"),
    "config no text": (lambda f: (f / "config.json").write_bytes(b"\xff\xfe\x00"), "is no JSON"),
    "config too deep": (lambda f: (f / "config.json").write_text("[" * 100_000), "is no JSON"),
    "config with NaN": (lambda f: (f / "config.json").write_text('{"a": NaN}'), "not finite"),
    "config with 1e999": (lambda f: edit_raw(f, '"epochs": 3', '"epochs": 1e999'), "not finite"),
    "config too large": (lambda f: grow(f / "config.json", (1 << 20) + 1), "at most 1048576"),
    "codec file too large": (lambda f: grow(f / "labels.txt", (64 << 20) + 1), "at most 67108864"),
    "no recipe": (lambda f: edit(f, recipe=None), "'recipe' is missing or of the wrong kind"),
    "path in file name": (lambda f: edit(f, files={"../labels.txt": ""}), "cannot name"),
    "absolute file name": (lambda f: edit(f, files={"/etc/passwd": ""}), "cannot name"),
    "digest no text": (lambda f: edit(f, files={"labels.txt": 3}), "is no text"),
    "oversize header": (
        lambda f: (f / WEIGHTS).write_bytes(struct.pack("<Q", 1 << 62) + b"{}" * 9),
        "no safetensors file",
    ),
    "header no JSON": (
        lambda f: (f / WEIGHTS).write_bytes(struct.pack("<Q", 8) + b"notjson!" * 9),
        "damaged or no safetensors",
    ),
    "a pickle by name": (only_pickle, "pytorch_model.bin may hold a pickle"),
    "a pickle inside": (lambda f: (f / WEIGHTS).write_bytes(pickle.dumps({"a": 1})), "is a pickle"),
    "weights a link": (lambda f: link(f, WEIGHTS), "no regular file"),
    "codec file a link": (lambda f: link(f, "labels.txt"), "no regular file"),
    "codec file a pipe": (rename_fifo, "no regular file"),
}


def edit_raw(folder: Path, old: str, new: str) -> None:
    text = (folder / "config.json").read_text()
    assert old in text
    (folder / "config.json").write_text(text.replace(old, new))


@pytest.mark.parametrize("name", DAMAGE)
def test_damage_is_one_clear_line(folder, name):
    damage, says = DAMAGE[name]
    damage(folder)
    with pytest.raises(BundleError, match=says) as caught:
        bundle.read(folder)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 400


def test_weights_over_the_limit_are_not_read(folder):
    with pytest.raises(BundleError, match="at most 10 are read"):
        bundle.read(folder, limit=10)


@pytest.mark.parametrize(
    ("config", "files", "says"),
    [
        pytest.param({**CONFIG, "x": float("inf")}, {}, "no JSON", id="infinite"),
        pytest.param({**CONFIG, "x": object()}, {}, "no JSON", id="an object"),
        pytest.param({"recipe": {}}, {}, "'task' is missing", id="no task"),
        pytest.param({**CONFIG, "x": "y" * (1 << 20)}, {}, "longer than 1 MiB", id="long config"),
        pytest.param(CONFIG, {"a/b": ""}, "cannot name", id="a path"),
        pytest.param(CONFIG, {".hidden": ""}, "cannot name", id="hidden"),
        pytest.param(CONFIG, {"config.json": ""}, "cannot name", id="reserved"),
        pytest.param(CONFIG, {"a": "x" * (65 << 20)}, "longer than 64 MiB", id="long file"),
    ],
)
def test_what_could_not_be_read_is_not_written(folder, config, files, says):
    with pytest.raises(BundleError, match=says):
        bundle.write(folder, config, tensors(2.0), files, "")
    assert bundle.read(folder).tensors["cell.bias"][0] == 1.0


def test_interrupted_anywhere_leaves_the_old_or_the_new(tmp_path, monkeypatch):
    """Stop before the nth change of the disk, for every n, and read after each."""
    seen, n = set(), 0
    while True:
        n += 1
        folder = write(tmp_path / str(n), 1.0, vocabulary="old")
        with monkeypatch.context() as patch:
            finished = stop_before_change(
                patch, n, lambda at=folder: write(at, 2.0, vocabulary="n")
            )
        _, read, files = bundle.read(folder)
        answer = (float(read["cell.bias"][0]), files["vocabulary"])
        assert answer in {(1.0, "old"), (2.0, "n")}, n
        seen.add(answer)
        bundle.replace_weights(folder, tensors(3.0), {})  # settles what was interrupted
        assert bundle.read(folder).tensors["cell.bias"][0] == 3.0
        assert bundle.read(folder).files["vocabulary"] == answer[1]
        if finished:
            break
    assert n > 8
    assert len(seen) == 2


class Killed(BaseException):
    """Stands for kill -9: nothing cleans up after it."""


def stop_before_change(patch, n, action):
    left = [n]

    def counted(original):
        def call(*args, **kwargs):
            left[0] -= 1
            if left[0] < 1:
                raise Killed
            return original(*args, **kwargs)

        return call

    for name in ("replace", "rename", "mkdir", "rmdir", "unlink", "write_bytes"):
        patch.setattr(Path, name, counted(getattr(Path, name)))
    try:
        action()
    except Killed:
        return False
    return True


@pytest.fixture
def small_disk():
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, hard))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_full_disk_keeps_the_old_weights(folder, small_disk):
    with pytest.raises(RecurraError, match=r"model.safetensors cannot be written.*kept") as caught:
        bundle.replace_weights(folder, {"cell.bias": torch.zeros(10_000)}, {})
    assert "\n" not in str(caught.value)
    assert bundle.read(folder).tensors["cell.bias"][0] == 1.0
    assert not list(folder.glob(".*.part"))


def test_full_disk_keeps_the_old_bundle(folder, small_disk):
    with pytest.raises(BundleError, match="cannot be written"):
        write(folder, 2.0, vocabulary="v" * 5000)
    assert bundle.read(folder).files == FILES


def test_folder_that_is_a_file(tmp_path):
    (tmp_path / "x").write_text("")
    with pytest.raises(BundleError, match="cannot be written"):
        write(tmp_path / "x")


def test_fill_takes_own_weights():
    network = nn.Linear(2, 3)
    wanted = {"weight": torch.ones(3, 2), "bias": torch.zeros(3)}
    bundle.fill(network, wanted, "here")
    assert torch.equal(network.weight, torch.ones(3, 2))


@pytest.mark.parametrize(
    ("foreign", "says"),
    [
        ({"weight": torch.ones(3, 2)}, "lacks bias"),
        ({"weight": torch.ones(3, 2), "bias": torch.ones(3), "x": torch.ones(1)}, "unknown x"),
        (
            {"weight": torch.ones(2, 3), "bias": torch.ones(3)},
            r"\[2, 3\], this network's has \[3, 2",
        ),
        ({"a": torch.ones(1), "b": torch.ones(1)}, "lacks bias and 1 more"),
    ],
    ids=["lacking", "strange", "shape", "other names"],
)
def test_fill_refuses_foreign_weights(foreign, says):
    network = nn.Linear(2, 3)
    before = network.weight.clone()
    with pytest.raises(BundleError, match=says):
        bundle.fill(network, foreign, "there")
    assert torch.equal(network.weight, before)


def test_the_limit_is_the_last_size_that_is_read(tmp_path):
    path = tmp_path / "some.safetensors"
    storage.save_tensors(path, {"w": torch.ones(64)}, {})
    header = int.from_bytes(path.read_bytes()[:8], "little")
    size = path.stat().st_size - header
    assert storage.load_tensors(path, size)[0]["w"].sum() == 64
    with pytest.raises(BundleError, match="at most"):
        storage.load_tensors(path, size - 1)
