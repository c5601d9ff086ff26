"""Exams on small files of the same form as their data: recurra's answer and each peer's."""

import gzip
import json
import random
import zipfile
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import torch

from recurra.benchmarks.quality import plain
from recurra.benchmarks.quality.exam import Case, trained
from recurra.benchmarks.quality.exams import (
    entities,
    ett,
    flickr8k,
    fsdd,
    mnist,
    multi30k,
    music,
    nab,
    prose,
    signals,
)
from recurra.benchmarks.quality.exams.sst2 import METRIC, SST2
from recurra.tasks.bag import Bag
from recurra.tasks.encoders.squeezenet import SqueezeNet
from recurra.tasks.run import build


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Time an epoch by a few steps of the loops beside; `test_plain` looks at how it is timed."""
    epoch = plain.Loop.epoch
    monkeypatch.setattr(plain, "ROUNDS", 1)
    monkeypatch.setattr(plain.Loop, "epoch", lambda loop, seconds: epoch(loop, 0.05))


@pytest.fixture
def opinions(tmp_path: Path) -> Path:
    """Training and dev files that one word decides, and a test file that is wrong in a quarter."""
    draw = random.Random(0)
    for part, count, wrong in [("train", 120, 0), ("dev", 40, 0), ("test", 40, 10)]:
        rows = []
        for i in range(count):
            good = i % 2
            word = ("dull", "lovely")[good if i >= wrong else 1 - good]
            noun = draw.choice(["film", "plot", "cast", "score", "scene"])
            rows.append(f"a {word} {noun} number {part} {i}\t{good}\n")
        (tmp_path / f"{part}.tsv").write_text("".join(rows))
    return tmp_path


def test_sst2(opinions: Path, tmp_path: Path):
    case = Case(opinions, tmp_path / "place", seed=0, threads=1, quick=True)
    single, three = SST2
    found = single.sit(case)
    assert found.others["loss"] > 0
    assert found.value in {100 * k / 40 for k in range(41)}
    assert found.parameters > 1000
    assert {"baseline", "nn.LSTM in a plain loop, equal time"} <= found.peers.keys()
    (peer,) = single.peers.values()
    assert peer(case) == {METRIC: 75.0}
    together = three.sit(case._replace(place=tmp_path / "three"))
    bag = sum(p.numel() for p in Bag(2).parameters())
    assert together.parameters - bag == 3 * (found.parameters - bag)


def test_signals(tmp_path: Path):
    place = tmp_path / "Waves"
    place.mkdir()
    draw = np.random.default_rng(0)
    for part, count, wrong in [("TRAIN", 30, 0), ("TEST", 20, 5)]:
        text = "@univariate true\n@classLabel true slow fast\n@data\n"
        for i in range(count):
            speed = (0.3, 1.5)[i % 2]
            wave = np.sin(np.arange(24) * speed + draw.normal()) + draw.normal(0, 0.05, 24)
            told = ("slow", "fast")[i % 2 if i >= wrong else 1 - i % 2]
            text += ",".join(f"{x:.3f}" for x in wave) + f":{told}\n"
        (place / f"Waves_{part}.ts").write_text(text)
        (place / f"Waves_eq_{part}.ts").write_text("padded, and not to be read")
    case = Case(place, tmp_path / "place", seed=0, threads=1, quick=True)
    assert signals.sit(case, {"hidden": 8, "embedding": 8}).value in {5.0 * k for k in range(21)}
    assert signals.neighbour(case) == {signals.METRIC: 75.0}
    train, test = signals.parts(case)
    assert (len(train), len(test)) == (30, 20)
    short = [row._replace(values=row.values[:5]) for row in train[:2]]
    filled = signals.padded([*short, train[2]], 24)
    assert filled.shape == (3, 1, 24)
    assert set(filled[0, 0, 4:]) == {short[0].values[4, 0]}


def write_digits(folder: Path) -> None:
    """Write recordings whose pitch is the digit's, in the form of the data set's archive."""
    import soundfile

    with zipfile.ZipFile(folder / "recordings.zip", "w") as file:
        for digit in range(10):
            for speaker in fsdd.SPEAKERS[:2]:
                for take in (0, 1, 4, 5, 6, 9, 10, 11, 12, 13):
                    time = np.arange(700 + 100 * (take % 3)) / fsdd.RATE
                    pitch = 200 * 1.35**digit * (1 if speaker == "george" else 1.1)
                    buffer = BytesIO()
                    soundfile.write(
                        buffer, 0.3 * np.sin(2 * np.pi * pitch * time), fsdd.RATE, format="WAV"
                    )
                    file.writestr(f"recordings/{digit}_{speaker}_{take}.wav", buffer.getvalue())


def test_digits_are_parted_by_the_rule(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    write_digits(tmp_path)
    case = Case(tmp_path, tmp_path / "place", seed=0, threads=1, quick=True)
    train, test = fsdd.split(case, "digit")
    assert (len(train), len(test)) == (10 * 2 * 7, 10 * 2 * 3)
    assert {one.take for one in test} == {0, 1, 4}
    train, test = fsdd.split(case, "digit of a stranger")
    assert {one.speaker for one in test} == {"george"}
    assert {one.speaker for one in train} == {"jackson"}
    train, test = fsdd.split(case._replace(seed=1), "digit of a stranger")
    assert {one.speaker for one in test} == {"jackson"}
    assert fsdd.vectors(case, "digit")[fsdd.ACCURACY] > 90
    small = {"hidden": 8, "embedding": 8, "sample_rate": 8000, "hop_ms": 20.0, "window_ms": 40.0}
    found = fsdd.sit(case, "speaker", small)
    assert found.value * 60 / 100 == pytest.approx(round(found.value * 60 / 100))


def test_strings_of_digits_are_the_same_always_and_parts_share_no_recording(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    write_digits(tmp_path)
    monkeypatch.setattr(fsdd, "SPEAKERS", fsdd.SPEAKERS[:2])
    case = Case(tmp_path, tmp_path / "place", seed=0, threads=1, quick=True)
    one, again = (fsdd.strings(case, "test", range(1), 12) for _ in range(2))
    for (a, said), (b, told) in zip(one, again, strict=True):
        assert said == told
        assert np.array_equal(a, b)
        words = said.split()
        assert 3 <= len(words) <= 7
        assert set(words) <= set(fsdd.DIGITS)
        assert 700 * len(words) < len(a) < len(words) * (900 + 0.3 * fsdd.RATE) + 0.3 * fsdd.RATE


def test_series_of_nab(tmp_path: Path):
    home, draw = tmp_path / "data" / "realKnownCause", np.random.default_rng(0)
    home.mkdir(parents=True)
    (tmp_path / "labels").mkdir()
    marks = {}
    for name, at in [("one", 260), ("two", 330)]:
        values = np.sin(np.arange(400) / 3) + draw.normal(0, 0.05, 400)
        values[at : at + 3] += 5
        times = np.datetime64("2026-01-01T00:00:00") + np.arange(400) * np.timedelta64(5, "m")
        rows = [f"{str(t).replace('T', ' ')},{v:.3f}" for t, v in zip(times, values, strict=True)]
        (home / f"{name}.csv").write_text("\n".join(["timestamp,value", *rows]) + "\n")
        marks[f"realKnownCause/{name}.csv"] = [[str(times[at - 5]), str(times[at + 20])]]
    (tmp_path / "labels" / "combined_windows.json").write_text(json.dumps(marks))
    case = Case(tmp_path, tmp_path / "place", seed=0, threads=1, quick=True)
    found = nab.beside(nab.gaussian, case)
    assert found[nab.METRIC] > 85  # five deviations off
    assert nab.beside(nab.chance, case)[nab.METRIC] < 80
    assert nab.first_part(400) == 60
    assert nab.first_part(20_000) == 750
    ours = nab.sit(case)
    assert ours.value > 50
    assert ours.others["at thresholds told without labels"] <= ours.value


def test_the_end_of_a_text_tests(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "input.txt").write_text("to be or not to be, " * 200 + "z" * 445)
    case = Case(tmp_path, tmp_path / "place", seed=0, threads=1, quick=True)
    case.place.mkdir()
    given = {"hidden": 8, "batch_size": 4, "bptt": 16, "valid_share": 0.02}
    monkeypatch.setattr(prose, "SHAKESPEARE_RECIPE", given)
    found = prose.shakespeare(case)
    assert (case.place / "test.txt").read_text() == ("to be or not to be, " * 200 + "z" * 445)[
        4000:
    ]
    assert found.peers["baseline"][prose.NATS] > 4  # no z was seen
    assert found.value > 2


def test_transformers_are_tested_on_their_last_part(tmp_path: Path):
    times = np.datetime64("2016-07-01T00:00") + np.arange(300) * np.timedelta64(1, "h")
    rows = [f"{str(t).replace('T', ' ')}:00,{i % 24},{(i * 7) % 24}" for i, t in enumerate(times)]
    packed = gzip.compress("\n".join(["date,HUFL,OT", *rows]).encode() + b"\n")
    (tmp_path / "ETTx.csv.gz").write_bytes(packed)
    case = Case(tmp_path, tmp_path / "place", seed=0, threads=1, quick=True)
    case.place.mkdir()
    given = {"horizon": 6, "lookback": 24, "hidden": 8, "embedding": 8, "output": "absolute"}
    found = ett.sit(case, "ETTx", "180,60,60", given)
    assert {"baseline", "NLinear", "DLinear"} <= found.peers.keys()
    assert found.peers["baseline"][ett.METRIC] == pytest.approx(0, abs=1e-9)  # a day repeats
    assert found.value > 0


def write_pictures(folder: Path) -> None:
    """Write pictures as MNIST has them, whose label is where they are bright; a quarter lies."""
    draw = np.random.default_rng(0)
    for part, count, wrong in [("train", 120, 0), ("t10k", 40, 10)]:
        labels = np.arange(count, dtype=np.uint8) % 2
        pictures = draw.integers(0, 60, (count, 28, 28)).astype(np.uint8)
        pictures[labels == 0, :14] += 150
        pictures[labels == 1, 14:] += 150
        labels[:wrong] = 1 - labels[:wrong]
        head = (0x803).to_bytes(4, "big") + b"".join(n.to_bytes(4, "big") for n in pictures.shape)
        for name, content in [
            ("images-idx3", head + pictures.tobytes()),
            ("labels-idx1", (0x801).to_bytes(4, "big") + count.to_bytes(4, "big") + bytes(labels)),
        ]:
            (folder / f"{part}-{name}-ubyte.gz").write_bytes(gzip.compress(content))


def test_digits_at_a_glance_and_row_by_row(tmp_path: Path):
    write_pictures(tmp_path)
    case = Case(tmp_path, tmp_path / "place", seed=0, threads=1, quick=True)
    case.place.mkdir()
    found = mnist.sit(case, {"encoder": "linear", "hidden": 8})
    assert found.value in {100 * k / 40 for k in range(41)}
    assert found.peers["baseline"] == {mnist.METRIC: 50.0}
    assert mnist.perceptron(case)[mnist.METRIC] in {100 * k / 40 for k in range(41)}
    case = case._replace(place=tmp_path / "rows")
    case.place.mkdir()
    images, digits = mnist.pixels(case, "t10k")
    assert images.max() == pytest.approx(209 / 255, abs=0.01)
    found = mnist.row_by_row(case, {"convolutions": 0, "hidden": 8, "embedding": 8})
    assert {"baseline", "nn.LSTM in a plain loop, equal time"} <= found.peers.keys()
    with np.load(case.place / "mnist.npz") as written:
        assert np.array_equal(written["x_test"], images)
        assert np.array_equal(written["y_test"], digits)


@pytest.fixture
def album(tmp_path: Path) -> Case:
    """Pictures of one colour or the other, five captions each, as Flickr8k has them."""
    from PIL import Image

    home = tmp_path / "data" / "flickr8k"
    home.mkdir(parents=True)
    torch.manual_seed(0)
    weights = {n: w.detach().numpy() for n, w in SqueezeNet().named_parameters()}
    (home.parent / "pretrained").mkdir()
    np.savez(home.parent / "pretrained" / flickr8k.WEIGHTS, **weights)
    lines, random = [], np.random.default_rng(0)
    with zipfile.ZipFile(home / "Flickr8k_images_128.zip", "w") as archive:
        for i in range(40):
            pixels = random.integers(0, 30, (32, 32, 3)) + np.eye(3)[i % 2 * 2] * 200
            Image.fromarray(pixels.astype(np.uint8)).save(buffer := BytesIO(), "png")
            archive.writestr(f"Images/{i}.png", buffer.getvalue())
            colour = ("red", "blue")[i % 2]
            for k in range(5):
                lines.append(f"{i}.png#{k}\tA {colour} Picture, number {i % 4 + k} .")
    (home / flickr8k.TEXTS).write_text("\n".join(lines) + "\n")
    for part, rows in [("train", range(24)), ("dev", range(24, 32)), ("test", range(32, 40))]:
        names = "".join(f"{i}.png\n" for i in rows)
        (home / f"Flickr_8k.{part}Images.txt").write_text(names)
    place = tmp_path / "place"
    place.mkdir()
    return Case(home, place, seed=0, threads=1, quick=True)


def test_pictures_in_words(album: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    fields = {"hidden": 8, "embedding": 8, "pixels": 48}
    found = flickr8k.sit(album, fields, frozen=True)
    assert 0 <= found.value <= 100
    assert found.parameters > 722_496
    assert found.others["bleu_1"] >= found.value
    assert {"baseline", "nn.LSTM in a plain loop, equal time"} <= found.peers.keys()
    texts = (Path(flickr8k.stripped(album)) / flickr8k.TEXTS).read_text()
    assert "0.png#0\ta red picture number 0\n" in texts
    along = flickr8k.sit(album._replace(place=tmp_path), {**fields, "pixels": 16}, frozen=False)
    assert along.parameters < 100_000


def test_a_plain_loop_reads_what_the_frozen_network_sees(
    album: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    fields = {"hidden": 4, "embedding": 4, "pixels": 48, "encoder": flickr8k.weights(album)}
    model = trained("image_captioning", album, flickr8k.stripped(album), **fields)
    network = build(model.task, model.codec, model.recipe)
    splits = plain.readied(model, network, model.recipe)
    seen = (model.codec.seen.positions, 512)
    assert {row.image.shape for row in [*splits.train, *splits.valid, *splits.test]} == {seen}
    pairs = zip(
        network.encoder.frozen.parameters(), model.network.encoder.frozen.parameters(), strict=True
    )
    assert all(torch.equal(one, other) for one, other in pairs)


def test_captions_of_pictures_that_look_alike(
    album: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(flickr8k, "NEAR", 6)
    found = flickr8k.nearest(album)  # the colours are told apart, the numbers are not
    assert found["bleu_1"] >= 80  # four of five words
    assert flickr8k.common(["a b c", "a b d", "x y z", "a b c"]) == "a b c"


def test_entities(tmp_path: Path):
    for part, count in [("train", 40), ("dev", 10), ("test", 10)]:
        rows = []
        for i in range(count):
            name, tag = [("Paris", "B-LOC"), ("Anna", "B-PER")][i % 2]
            rows += [f"{part}{i} O", "saw O", f"{name} {tag}", ". O", ""]
        (tmp_path / f"{part}.conll").write_text("\n".join(rows))
    case = Case(tmp_path, tmp_path / "place", seed=0, threads=1, quick=True)
    case.place.mkdir()
    found = entities.sit(case, {"output": "crf", "hidden": 8, "embedding": 8})
    assert 0 <= found.value <= 100
    row = entities.Tagged(["In", "Paris"], ["O", "B-LOC"], "")
    first, second = entities.features(row)
    assert {"0:lower=in", "1:lower=paris", "1:title=True", "-1:none", "2:none"} <= set(first)
    assert {"-1:lower=in", "0:suffix=ris", "prefix2=Pa", "1:none", "-1:pair=in paris"} <= set(
        second
    )
    assert entities.pattern("McDonald's-22") == "XxXx'x-0"


def test_the_crf_on_features(tmp_path: Path):
    pytest.importorskip("pycrfsuite")  # of the extra "bench", which tests go without
    for part, count in [("train", 40), ("dev", 10), ("test", 12)]:
        rows = []
        for i in range(count):
            name, tag = [("Paris", "B-LOC"), ("Anna", "B-PER")][i % 2]
            lies = part == "test" and i < 3
            rows += [f"{part}{i} O", "saw O", f"{name} {'O' if lies else tag}", ". O", ""]
        (tmp_path / f"{part}.conll").write_text("\n".join(rows))
    case = Case(tmp_path, tmp_path, seed=0, threads=1, quick=True)
    assert entities.crfsuite(case) == {entities.METRIC: pytest.approx(100 * 18 / 21)}


def test_pairs_in_lower_case_and_a_dictionary(tmp_path: Path):
    words = {
        "hund": "dog",
        "katze": "cat",
        "schläft": "sleeps",
        "rennt": "runs",
        "der": "the",
        "ein": "a",
    }
    draw = random.Random(0)
    for part, count in [("train", 200), ("val", 20), ("test_2016_flickr", 20)]:
        kinds = [("der", "ein"), ("hund", "katze"), ("schläft", "rennt")]
        rows = [[draw.choice(kind) for kind in kinds] for _ in range(count)]
        for language, said in [("de", rows), ("en", [[words[w] for w in row] for row in rows])]:
            text = "".join(" ".join(row).capitalize() + " .\n" for row in said)
            (tmp_path / f"{part}.{language}.gz").write_bytes(gzip.compress(text.encode()))
    case = Case(tmp_path, tmp_path / "place", seed=0, threads=1, quick=True)
    case.place.mkdir()
    assert multi30k.word_for_word(case, "de", "en") == {multi30k.METRIC: pytest.approx(100)}
    found = multi30k.sit(case, "de", "en", {"hidden": 8, "embedding": 8, "vocabulary": 100})
    assert 0 <= found.value <= 100
    lowered = (case.place / "lowered" / "test.en").read_text()
    assert lowered.splitlines() == multi30k.lines(case, "test", "en")
    assert lowered == lowered.lower()


def test_a_dictionary_is_told_by_what_occurs_together():
    pairs = [("a b", "z y"), ("a c", "z x"), ("a d", "z w")]  # z is explained by a
    found = multi30k.likeliest([(f.split(), e.split()) for f, e in pairs])
    assert found == {"a": "z", "b": "y", "c": "x", "d": "w"}


def test_the_next_frame(tmp_path: Path):
    from scipy.io import savemat

    def pieces(count: int, first: int) -> np.ndarray:
        held = np.empty((1, count), dtype=object)
        for i in range(count):
            held[0, i] = np.eye(88, dtype=np.uint8)[(np.arange(6 + i) + first + i) % 30]
        return held

    parts = {"traindata": pieces(8, 0), "validdata": pieces(3, 3), "testdata": pieces(3, 5)}
    savemat(tmp_path / "Tunes.mat", parts)
    case = Case(tmp_path, tmp_path / "place", seed=0, threads=1, quick=True)
    case.place.mkdir()
    given = {"output": "independent", "hidden": 8, "embedding": 8}
    found = music.sit(case, "Tunes.mat", given)
    assert {"baseline", "keys that go on", "nn.LSTM in a plain loop, equal time"} == set(
        found.peers
    )
    assert found.value > 1
