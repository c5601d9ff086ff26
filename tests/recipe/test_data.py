"""Rows of the fields that say what is read, and how much of it."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from torch import nn

from recurra.data.passages import Passage
from recurra.data.readers import hf
from recurra.data.splits import Splits
from recurra.errors import DataError, RecurraError
from recurra.tasks.catalogue import TASKS
from recurra.tasks.ner import NER
from recurra.tasks.run import complete
from recurra.tasks.task import Task
from tests.data.sounds import tone
from tests.data.sounds import write as write_sound
from tests.figures.parts import Parts, write

from .conftest import Lab
from .table import proves


def content(example: Any) -> Any:
    """Return what a row says, without where it stands."""
    if hasattr(example, "samples"):
        return [
            example.samples.tobytes(),
            example.label if hasattr(example, "label") else example.text,
        ]
    if hasattr(example, "timeline"):  # a series: its numbers
        return example.values.tolist()
    if hasattr(example, "frames"):  # a piece: the pitches of each step
        return [(np.flatnonzero(step) + 21).tolist() for step in example.frames]
    if hasattr(example, "score"):  # a tune: its pitches
        return [note.pitch for track in example.score.tracks for note in track.notes]
    if hasattr(example, "starts"):  # sentences: their words and tags
        return [example.tokens, example.tags]
    if isinstance(example, Passage):
        return [example.text.tobytes().decode()]
    return [
        part.tobytes() if isinstance(part, np.ndarray) else part for part in tuple(example)[:-1]
    ]


def same(some: list[Any], others: list[Any]) -> bool:
    return [content(one) for one in some] == [content(one) for one in others]


def is_of(example: Any, rows: list[Any]) -> bool:
    """Return whether an example was written by `parts`: by its text, its tokens, or its pixels."""
    told = content(example)
    for row in rows:
        if hasattr(example, "steps"):
            if told == [row[0].tobytes(), ("channel 1", "channel 2"), row[1], []]:
                return True
            continue
        if hasattr(example, "timeline"):  # a part that is cut off in time holds what is before it
            wanted: Any = [[value] for value in row[: len(told)]]
        elif hasattr(example, "score"):
            wanted = row
        elif hasattr(example, "samples"):
            if told[1] == row[1]:
                return True
            continue
        elif isinstance(row[0], np.ndarray):
            if told[1] == row[1] or told[1] in ([text] for text in row[1]):
                return True
            continue
        else:
            wanted = list(row)
        if told == wanted:
            return True
    return False


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Parts]:
    folder = tmp_path_factory.mktemp("parts")

    class Written(dict[str, Parts]):
        def __missing__(self, name: str) -> Parts:
            self[name] = write(name, folder / name)
            return self[name]

    return Written()


def read(task: Task, **fields: Any) -> Splits[Any]:
    return task.read(complete(task, fields))


@proves("data")
def test_data_is_what_is_learned_from(task: Task, home: dict[str, Parts]):
    parts = home[task.name]
    read_all = read(task, **parts.fields)
    size = len(parts.rows["train"])
    if task.name == "image_captioning":  # one row for each caption
        size = sum(len(captions) for _, captions in parts.rows["train"])
    assert len(read_all.train) == size
    assert all(is_of(example, parts.rows["train"]) for example in read_all.train)
    other = read(task, data=parts.test)
    assert not same(other.train, read_all.train)
    assert all(is_of(example, parts.rows["test"]) for example in other.train)


@proves("data")
def test_without_data_the_sample_has_defaults_of_its_own(task: Task, home: dict[str, Parts]):
    parts = home[task.name]
    theirs, sample = complete(task, {"data": parts.data}), complete(task, {})
    ours = task.sample_defaults
    assert {name: getattr(sample, name) for name in ours} == ours
    plain = {**complete(task, {"data": parts.data}).asdict(), "data": None}
    told = {**task.defaults, "data": None}
    assert plain == {**task.recipe().asdict(), **told}
    assert theirs.data == parts.data


@proves("valid test")
def test_a_named_part_is_that_part(task: Task, home: dict[str, Parts]):
    parts = home[task.name]
    for part in ("valid", "test"):
        found = read(task, data=parts.data, **{part: getattr(parts, part)})
        named, split = getattr(found, part), getattr(found, "test" if part == "valid" else "valid")
        assert len(named) == len(parts.rows[part])
        assert all(is_of(example, parts.rows[part]) for example in named)
        assert all(is_of(example, parts.rows["train"]) for example in [*found.train, *split])
    neither = read(task, data=parts.data)
    assert neither.valid
    assert neither.test
    held = [content(example) for example in [*neither.valid, *neither.test]]
    assert all(content(example) not in held for example in neither.train)


IN_TIME = ("forecasting", "anomaly_detection")  # are split in time
DRAWN = [task.name for task in TASKS if task.name not in IN_TIME]


@proves("seed", *DRAWN)
def test_seed_decides_what_is_held_out(task: Task, home: dict[str, Parts]):
    if task.name == "language_model":
        pytest.skip("the end of a text is held out")
    data = home[task.name].data
    first, again, *others = (read(task, data=data, seed=seed) for seed in (0, 0, 1, 2, 3))
    assert same(first.test, again.test)
    assert any(not same(first.test, other.test) for other in others)


@proves("path_column label_column", "audio_classification")
def test_columns_of_a_manifest_are_the_ones_named(task: Task, tmp_path: Path):
    rows = ["path,label,other,kind"]
    for i in range(20):
        write_sound(tmp_path / f"a{i}.wav", tone(0.1, 300 + 20 * i))
        write_sound(tmp_path / f"b{i}.wav", tone(0.2, 300 + 20 * i))
        rows.append(f"a{i}.wav,{'xy'[i % 2]},b{i}.wav,{'pqr'[i % 3]}")
    (tmp_path / "all.csv").write_text("\n".join(rows) + "\n")
    for path, label in [("path", "label"), ("other", "kind"), ("3", "4")]:
        found = read(task, data=str(tmp_path / "all.csv"), path_column=path, label_column=label)
        assert {len(row.samples) for row in found.train} == {1600 if path == "path" else 3200}
        assert {row.label for row in found.train} == set("xy" if label == "label" else "pqr")


@proves("text_column label_column", "sentiment")
def test_columns_are_the_ones_named(task: Task, tmp_path: Path):
    rows = [("one", "x", f"words of row {i}", f"{'yes' if i % 2 else 'no'}") for i in range(20)]
    path = tmp_path / "rows.tsv"
    lines = ["text\tlabel\tbody\tmood", *("\t".join(row) for row in rows)]
    lines = [line.replace("one\tx", f"a{i}\t{'xy'[i % 2]}") for i, line in enumerate(lines)]
    path.write_text("\n".join(lines) + "\n")
    usual = read(task, data=str(path))
    assert {row.label for row in usual.train} == {"x", "y"}
    body = read(task, data=str(path), text_column="body").train
    assert all(row.text.startswith("words of row") for row in body)
    assert {row.label for row in body} == {"x", "y"}
    mood = read(task, data=str(path), label_column="mood").train
    assert {row.label for row in mood} == {"yes", "no"}


COLUMNS = {"text_column": "words", "token_column": "words"}
COLUMNS |= {"label_column": "other_tags", "tag_column": "other_tags"}
OF_NER = [name for name in COLUMNS if name in NER.options]


@proves(" ".join(OF_NER), "ner")
def test_columns_of_a_hub_data_set_are_the_ones_named(task: Task, monkeypatch: pytest.MonkeyPatch):
    record = {"tokens": ["Ann", "saw"], "words": ["Rome", "fell"]}
    record |= {"ner_tags": ["B-PER", "O"], "other_tags": ["B-LOC", "O"]}
    rows = [{**record, "words": [f"Rome{i}", "fell"]} for i in range(20)]

    records = hf.Records("hf:x", list(record), rows, {})
    monkeypatch.setattr(hf, "parts", lambda *_: {"train": records})
    named = {name: COLUMNS[name] for name in OF_NER}
    found = read(task, data="hf:x", **named).train
    assert {row.tokens[0][:4] for row in found} == {"Rome"}
    assert {row.tags[0] for row in found} == {"B-LOC"}


@proves("context")
def test_context_is_a_document_or_a_sentence(task: Task, tmp_path: Path):
    text = "-DOCSTART-\tO\n\n" + "Rome\tB-LOC\nfell\tO\n\nShe\tO\nleft{}\tO\n\n" * 2
    (tmp_path / "a.conll").write_text("".join(text.format(i, i) for i in range(20)))
    for context, starts in [("document", {(0, 2, 4, 6)}), ("sentence", {(0,)})]:
        found = read(task, data=str(tmp_path / "a.conll"), context=context)
        parts = (found.train, found.valid, found.test)
        assert {row.starts for part in parts for row in part} == starts
        codec = task.fit(found.train, complete(task, {"context": context}))
        assert codec.documents is (context == "document")
    cut = read(task, data=str(tmp_path / "a.conll"), max_length=5).train
    assert {row.starts for row in cut} == {(0, 2)}


@proves("pixels")
def test_pixels_is_the_side_of_every_picture(task: Task, lab: Lab):
    for pixels, side in [(24, 24), (0, 64)]:
        found = read(task, data=lab.data(task), pixels=pixels)
        parts = (found.train, found.valid, found.test)
        assert {row.image.shape for part in parts for row in part} == {(side, side, 3)}
    frozen = task.recipe.of({"encoder": "some.npz"})
    assert frozen.side == 224
    with pytest.raises(RecurraError, match="as they are"):
        read(task, pixels=24)


@proves("image_column text_column", "image_captioning")
def test_columns_of_a_captions_table_are_the_ones_named(task: Task, tmp_path: Path):
    from PIL import Image

    rows = ["image,other,caption,notes"]
    for i in range(20):
        for name, red in [("a", i), ("b", 100 + i)]:
            Image.new("RGB", (2, 2), (red, 0, 0)).save(tmp_path / f"{name}{i}.png")
        rows.append(f"a{i}.png,b{i}.png,about {i},note {i}")
    (tmp_path / "captions.csv").write_text("\n".join(rows) + "\n")
    for picture, text in [("image", "caption"), ("other", "notes"), ("2", "3")]:
        found = read(task, data=str(tmp_path), image_column=picture, text_column=text).train
        assert {bool(row.image.max() >= 100) for row in found} == {picture != "image"}
        start = "note" if text == "notes" else "about"
        assert all(row.captions[0].startswith(start) for row in found)


@proves("sentence_column")
def test_sentence_column_is_the_one_named(task: Task, tmp_path: Path):
    path = tmp_path / "rows.csv"
    rows = [f"{i // 2},{i // 4},word{i},{'B-LOC' if i % 4 == 0 else 'O'}" for i in range(80)]
    path.write_text("\n".join(["pairs,fours,Word,Tag", *rows]) + "\n")
    for column, size in [("pairs", 2), ("fours", 4)]:
        found = read(task, data=str(path), sentence_column=column)
        assert {len(row.tokens) for row in found.train} == {size}


@proves("encoding")
def test_encoding_is_the_one_named(task: Task, tmp_path: Path):
    parts = write(task.name, tmp_path)
    home = Path(parts.data)
    words = {"sentiment": b"film", "ner": b"saw", "translation": b"cat", "language_model": b"cat"}
    words |= {"signal_classification": b"slow", "audio_classification": b"hum"}
    old = {**words, **dict.fromkeys(IN_TIME, b"level")}.get(task.name, b"square")
    for path in [home / "captions.csv"] if home.is_dir() else map(Path, parts[:3]):
        path.write_bytes(path.read_bytes().replace(old, b"\xe6\xb3x"))
    for encoding, letters in [("latin-1", "\xe6\xb3x"), ("iso8859-2", "\u0107\u0142x")]:
        found = read(task, **parts.fields, encoding=encoding)
        told = [row.names if task.name in IN_TIME else content(row)[-2:] for row in found.train]
        assert letters in str(told)


@proves("source target")
def test_source_and_target_are_the_ones_named(task: Task, tmp_path: Path):
    path = tmp_path / "rows.tsv"
    rows = ["en\tde\tfr", *(f"english {i}\tdeutsch {i}\tfrancais {i}" for i in range(20))]
    path.write_text("\n".join(rows) + "\n")
    for source, target in [("de", None), (None, "fr"), ("fr", "en")]:
        named = {"source": source, "target": target}
        pairs = read(task, data=str(path), **{k: v for k, v in named.items() if v}).train
        starts = {"en": "english", "de": "deutsch", "fr": "francais"}
        for name, side in [(source, "source"), (target, "target")]:
            if name:
                assert all(getattr(pair, side).startswith(starts[name]) for pair in pairs)


def append(path: str, text: str) -> None:
    with Path(path).open("a") as file:
        file.write(text)


BROKEN = {
    "speech_recognition": lambda path: append(path, "gone.wav\tsquare\n"),
    "sentiment": lambda path: append(path, "no label here\n"),
    "ner": lambda path: append(path, "\nAnn\tNONSENSE-TAG\n\n"),
    "translation": lambda path: append(path, "only one column\n"),
    "language_model": lambda path: append(path, '{"id": "no text here"}\n'),
    "signal_classification": lambda path: append(path, "1,2,x:3,4,5:slow\n"),
    "audio_classification": lambda path: append(path, "gone.wav,deep\n"),
    "image_classification": lambda path: Path(path, "up", "z.png").write_bytes(b"no picture"),
    "image_captioning": lambda path: [
        Path(path, "z.png").write_bytes(b"no picture"),
        append(f"{path}/captions.csv", "z.png,what is this\n"),
    ],
    "music_generation": lambda path: Path(path, "z.mid").write_bytes(b"no tune"),
    "polyphonic_music": lambda path: Path(path).write_text(
        json.dumps([*json.loads(Path(path).read_text()), [[60], [200]]])
    ),
    "forecasting": lambda path: append(path, "s23,2021-03-10,much\n"),
    "anomaly_detection": lambda path: append(path, "s23,2021-05-10,much,0\n"),
}


@proves("skip_bad_rows")
def test_skip_bad_rows_goes_on_past_them_and_counts(task: Task, tmp_path: Path):
    parts = write(task.name, tmp_path)
    whole = read(task, **parts.fields)
    assert whole.skipped == 0
    BROKEN[task.name](parts.data)
    with pytest.raises(DataError):
        read(task, **parts.fields)
    found = read(task, **parts.fields, skip_bad_rows=True)
    assert found.skipped == 1
    assert same(found.train, whole.train)


@proves(
    "max_length",
    "sentiment",
    "ner",
    "translation",
    "music_generation",
    "polyphonic_music",
    "signal_classification",
)
def test_max_length_cuts_what_is_longer(task: Task, home: dict[str, Parts]):
    train = read(task, **home[task.name].fields).train
    for most in (3, 512):
        codec = task.fit(train, complete(task, {"data": "x", "max_length": most}))
        sizes = {len(tensor) for row in train for tensor in codec.encode(row)[:1]}
        assert max(sizes) == 3 if most == 3 else max(sizes) > 3
    short, long = (
        task.fit(train, complete(task, {"data": "x", "max_length": most})) for most in (3, 512)
    )
    for row in train:
        cut, whole = short.encode(row)[0], long.encode(row)[0]
        assert cut.tolist() == whole[: len(cut)].tolist()


@proves("max_length", "audio_classification")
def test_max_length_cuts_what_is_read_of_a_sound(task: Task, home: dict[str, Parts]):
    fields = home[task.name].fields
    short, long = (read(task, **fields, max_length=most).train for most in (5, 500))
    assert {len(row.samples) for row in short} == {5 * 160}
    assert min(len(row.samples) for row in long) > 5 * 160
    for cut, whole in zip(short, long, strict=True):
        assert np.allclose(cut.samples[:-40], whole.samples[:760], atol=1e-3)
    codec = task.fit(long, complete(task, {"data": "x", "max_length": 5}))
    assert {len(codec.encode(row)[0]) for row in long} == {5}


@proves("max_length", "translation")
def test_max_length_cuts_what_is_read_too(task: Task, home: dict[str, Parts]):
    train = read(task, **home[task.name].fields).train
    codec = task.fit(train, complete(task, {"data": "x", "max_length": 3}))
    assert max(len(codec.encode(row)[2]) for row in train) == 3 + 1  # and the end


@proves("max_length", "ner")
def test_words_beyond_max_length_are_outside(task: Task, lab: Lab):
    codec = task.fit(lab.splits(task).train, lab.recipe(task, max_length=2))
    network = task.build(codec, lab.recipe(task, max_length=2))
    (answer,) = task.predict(network, codec, [["Ann"] * 5], lab.recipe(task))
    assert len(answer.tags) == 5
    assert answer.tags[2:] == ["O"] * 3


@proves("vocabulary", "sentiment", "ner", "translation", "image_captioning", "language_model")
def test_vocabulary_bounds_the_entries(task: Task, home: dict[str, Parts]):
    train = read(task, **home[task.name].fields).train
    names = {"translation": ("source", "target"), "ner": ("words",), "language_model": ("units",)}
    for name in names.get(task.name, ("vocabulary",)):
        for most in (12, 30 if task.name == "translation" else 14):
            codec = task.fit(train, complete(task, {"data": "x", "vocabulary": most}))
            entries = getattr(codec, name)
            size = entries.get_vocab_size() if task.name == "translation" else len(entries)
            assert size == most
            network = task.build(codec, complete(task, {"data": "x", "hidden": 4}))
            tables = [m.num_embeddings for m in network.modules() if isinstance(m, nn.Embedding)]
            assert size in tables
