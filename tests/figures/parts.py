"""Own files in three parts whose rows, words, labels and sizes all differ, one form for each task.

Rows stand in no order of length, labels have other shares in each part, the test part has words
of its own, and targets have capitals and punctuation: each confusion changes a figure.
"""

import json
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

SIZES = {"train": 24, "valid": 7, "test": 11}


class Parts(NamedTuple):
    """The three paths, as `data`, `valid` and `test` of a recipe take them, and their rows."""

    data: str
    valid: str
    test: str
    rows: dict[str, list[Any]]

    @property
    def fields(self) -> dict[str, str]:
        return {"data": self.data, "valid": self.valid, "test": self.test}


def texts(part: str) -> list[tuple[str, str]]:
    """Return (text, label): the label is told by one word, and now and then not at all."""
    words = {"ALSO": ["fine", "good"], "bad": ["awful", "poor"], "mid": ["plain", "fair"]}
    order = {"train": "bad bad ALSO mid", "valid": "ALSO mid", "test": "mid bad bad ALSO mid"}
    labels, rows = order[part].split(), []
    for i in range(SIZES[part]):
        label = labels[i % len(labels)]
        filler = ["film", "meal", "room", "train"][i % 4]
        extra = " it was" * ((i * 5) % 4)
        own = f" {part}word{i}" if i % 2 else ""
        told = words[label][i % 2] if i % 6 != 5 else "odd"
        rows.append((f"the {filler}{extra} {told}{own}", label))
    return rows


def write_sentiment(folder: Path, rows: dict[str, list[Any]]) -> dict[str, str]:
    paths = {}
    for part, pairs in rows.items():
        path = folder / f"{part}-reviews.tsv"
        path.write_text("text\tlabel\n" + "".join(f"{t}\t{y}\n" for t, y in pairs))
        paths[part] = str(path)
    return paths


def sentences(part: str) -> list[tuple[list[str], list[str]]]:
    names = ["Ann", "Bo Smith", "Cy", "Di de Wit", "Ed"]
    towns = ["Oslo", "New York", "Rome"]
    rows = []
    for i in range(SIZES[part]):
        name = [*names[i % 5].split(), *(["Xu"] if part == "test" and i % 3 == 0 else [])]
        town = towns[(i * 2 + len(part)) % 3].split()
        tokens = [*name, "saw", *town, *["again"] * ((i * 2) % 3), "."]
        tags = ["B-PER", *["I-PER"] * (len(name) - 1), "O", "B-LOC", *["I-LOC"] * (len(town) - 1)]
        rows.append((tokens, [*tags, *["O"] * (len(tokens) - len(tags))]))
    return rows


def write_ner(folder: Path, rows: dict[str, list[Any]]) -> dict[str, str]:
    paths = {}
    for part, pairs in rows.items():
        path = folder / f"{part}.conll"
        blocks = ("".join(f"{a}\t{b}\n" for a, b in zip(*row, strict=True)) for row in pairs)
        path.write_text("\n".join(blocks))
        paths[part] = str(path)
    return paths


TARGETS = ["Die Katze, sie SAH uns.", "Ein Hund lief", "Wir essen Brot! Und Salz.", "Der Fuchs"]


def pairs(part: str) -> list[tuple[str, str]]:
    heads = ["a cat", "one dog ran", "we", "the fox"]
    rows = []
    for i in range(SIZES[part]):
        which = i * (3 if part == "test" else 1) % 4
        source = f"{heads[which]} {'so ' * (i % 3)}{part[0] if part != 'train' else 'now'}"
        target = TARGETS[which]
        if part == "test" and i % 5 == 1:  # what a model that has learned writes is not this
            target = target.lower()
        if part == "valid" and i == 1:
            target = TARGETS[3]
        rows.append((source.strip(), target))
    return rows


def write_translation(folder: Path, rows: dict[str, list[Any]]) -> dict[str, str]:
    paths = {}
    for part, triples in rows.items():
        path = folder / f"{part}-pairs.tsv"
        path.write_text("src\ttgt\n" + "".join(f"{a}\t{b}\n" for a, b in triples))
        paths[part] = str(path)
    return paths


def pictures(part: str) -> list[tuple[np.ndarray, str]]:
    """Return (8 × 8 grey picture, class): which half is bright, and some noise."""
    random = np.random.default_rng(len(part))
    order = {"train": ["up", "low", "up", "left"], "valid": ["left"], "test": ["low", "low", "up"]}
    rows = []
    for i in range(SIZES[part]):
        label = order[part][i % len(order[part])]
        image = random.integers(0, 90, (8, 8))
        half = {"up": np.s_[:4], "low": np.s_[4:], "left": np.s_[:, :4]}[label]
        image[half] += 120
        rows.append((image.astype(np.uint8), label if part == "train" or i % 4 else "up"))
    return rows


def write_image_classification(folder: Path, rows: dict[str, list[Any]]) -> dict[str, str]:
    from PIL import Image

    for part, labelled in rows.items():
        for i, (pixels, label) in enumerate(labelled):
            home = folder / "set" / part / label
            home.mkdir(parents=True, exist_ok=True)
            Image.fromarray(pixels).save(home / f"{i}.png")
    return {part: str(folder / "set" / part) for part in rows}


def captioned(part: str) -> list[tuple[np.ndarray, list[str]]]:
    random = np.random.default_rng(len(part))
    rows = []
    for i in range(SIZES[part]):
        red = i % 3 == 0 if part == "test" else i % 2 == 0
        image = random.integers(0, 60, (16, 16, 3))
        image[..., 0 if red else 2] += 190
        said = ["A red square, large and flat." if red else "A big blue circle over there"]
        if part == "test" and i % 4 == 1:
            said = ["A red circle over there"]
        if i % 3 == 2:
            said.append(f"one {'red' if red else 'blue'} {part} thing")
        rows.append((image.astype(np.uint8), said))
    return rows


def write_image_captioning(folder: Path, rows: dict[str, list[Any]]) -> dict[str, str]:
    from PIL import Image

    paths = {}
    for part, said in rows.items():
        home = folder / part
        home.mkdir()
        lines = ["image,caption"]
        for i, (pixels, captions) in enumerate(said):
            Image.fromarray(pixels).save(home / f"{part}{i}.png")
            lines += [f'{part}{i}.png,"{text}"' for text in captions]
        (home / "captions.csv").write_text("\n".join(lines) + "\n")
        paths[part] = str(home)
    return paths


def tunes(part: str) -> list[list[int]]:
    """Return pitches, one a beat."""
    step = {"train": 2, "valid": 3, "test": 4}[part]
    return [[60 + (i + step * n) % 12 for n in range(6 + (i * 3) % 5)] for i in range(SIZES[part])]


def write_music_generation(folder: Path, rows: dict[str, list[Any]]) -> dict[str, str]:
    import symusic

    for part, pieces in rows.items():
        home = folder / "tunes" / part
        home.mkdir(parents=True)
        for i, pitches in enumerate(pieces):
            score, track = symusic.Score(480), symusic.Track()
            for n, pitch in enumerate(pitches):
                odd = 60 if pitch % 1 else 0  # a pitch and a half: at no time that others have
                track.notes.append(symusic.Note(n * 480 + odd, odd or 480, int(pitch), 80))
            score.tracks.append(track)
            score.dump_midi(home / f"{i:02}.mid")
    return {part: str(folder / "tunes" / part) for part in rows}


def rolls(part: str) -> list[list[list[int]]]:
    """Return pieces of steps of pitches: a scale, in some of another step, over a low note."""
    step = {"train": 2, "valid": 3, "test": 4}[part]
    return [
        [
            [*([36] if (n + i) % (step + 1) else []), 60 + (i + (step if i % 3 else 2) * n) % 12]
            for n in range(5 + (i * 3) % 5)
        ]
        for i in range(SIZES[part])
    ]


def write_polyphonic_music(folder: Path, rows: dict[str, list[Any]]) -> dict[str, str]:
    paths = {}
    for part, pieces in rows.items():
        paths[part] = str(folder / f"{part}-pieces.json")
        Path(paths[part]).write_text(json.dumps(pieces))
        for i, piece in enumerate(pieces):
            (folder / f"{part}{i}.json").write_text(json.dumps([piece]))
    return paths


def prose(part: str) -> list[tuple[str]]:
    """Return texts of lines; the test part has characters and words of its own."""
    rows = []
    for i in range(SIZES[part]):
        name = ["Ann", "Bo", "Zoë"][(i * (2 if part == "test" else 1)) % 3]
        more = {"train": "", "valid": " now", "test": " — so"}[part]
        rows.append((f"{name} saw {'the ' * (i % 3)}cat{more}.\nIt ran{'!' * (i % 2)} {i:o}",))
    return rows


def write_language_model(folder: Path, rows: dict[str, list[Any]]) -> dict[str, str]:
    paths = {}
    for part, texts in rows.items():
        path = folder / f"{part}-texts.jsonl"
        lines = (json.dumps({"id": "x", "text": text}, ensure_ascii=False) for (text,) in texts)
        path.write_text("".join(f"{line}\n" for line in lines))
        paths[part] = str(path)
    return paths


def waves(part: str) -> list[tuple[np.ndarray, str]]:
    """Return (two channels of some steps, class): how fast the first one swings, and noise."""
    random = np.random.default_rng(SIZES[part])
    order = {"train": "slow slow fast mid", "valid": "fast mid", "test": "mid slow slow fast"}
    speed = {"slow": 0.3, "mid": 0.8, "fast": 1.7}
    labels, rows = order[part].split(), []
    for i in range(SIZES[part]):
        label = labels[i % len(labels)]
        time = np.arange(5 + (i * 5) % 7)
        told = label if part == "train" or i % 6 != 5 else "fast"
        wave = 2 * np.sin(time * speed[told]) + random.normal(0, 0.3, len(time))
        rows.append((np.stack([wave, 40 + random.normal(0, 9, len(time))], 1).round(4), label))
    return rows


def series(rows: list[tuple[np.ndarray, str]]) -> str:
    """Return the text of a .ts file."""
    text = "@univariate false\n@dimensions 2\n@classLabel true fast mid slow\n@data\n"
    for values, label in rows:
        channels = (",".join(map(str, channel.tolist())) for channel in values.T)
        text += ":".join([*channels, label]) + "\n"
    return text


def write_signal_classification(folder: Path, rows: dict[str, list[Any]]) -> dict[str, str]:
    paths = {}
    for part, signals in rows.items():
        path = folder / f"{part}.ts"
        path.write_text(series(signals))
        paths[part] = str(path)
        for i, signal in enumerate(signals):  # each alone, to be asked for
            path.with_suffix(f".{i}.ts").write_text(series([signal]))
    return paths


def said(part: str) -> list[tuple[np.ndarray, str]]:
    """Return (samples at 8 kHz, transcript): each word is a tone, but now and then another one."""
    pitches = {"square": 400, "Oval": 1100, "ring": 2300}
    words, random = [*pitches], np.random.default_rng(list(part.encode()))
    rows = []
    for i in range(SIZES[part]):
        each = [words[n] for n in random.integers(0, 3, 1 + (i * 2 + len(part)) % 4)]
        heard = [words[(words.index(word) + (i % 5 == 4)) % 3] for word in each]
        time = np.arange(1800) / 8000
        waves = [0.3 * np.sin(2 * np.pi * pitches[word] * time) for word in heard]
        samples = np.concatenate([np.append(wave, np.zeros(400 + 40 * i)) for wave in waves])
        rows.append((samples + 0.01 * random.standard_normal(len(samples)), " ".join(each)))
    return rows


def write_speech_recognition(folder: Path, rows: dict[str, list[Any]]) -> dict[str, str]:
    import soundfile

    paths = {}
    for part, spoken in rows.items():
        (folder / part).mkdir()
        lines = ["path\ttext"]
        for i, (samples, text) in enumerate(spoken):
            soundfile.write(folder / part / f"{i}.wav", samples, 8000)
            lines.append(f"{part}/{i}.wav\t{text}")
        path = folder / f"{part}-said.tsv"
        path.write_text("\n".join(lines) + "\n")
        paths[part] = str(path)
    return paths


def sounds(part: str) -> list[tuple[np.ndarray, str]]:
    """Return (samples at 16 kHz, label): how high a tone is, and some noise."""
    random = np.random.default_rng(len(part))
    order = {"train": "deep deep HIGH mid", "valid": "HIGH mid", "test": "mid deep deep HIGH mid"}
    labels, rows = order[part].split(), []
    for i in range(SIZES[part]):
        label = labels[i % len(labels)]
        time = np.arange(1600 + 320 * ((i * 5) % 4)) / 16000
        pitch = {"deep": 200, "mid": 900, "HIGH": 4000}[label] * (1 + i / 100)
        if i % 6 == 5:  # not told at all
            pitch = 2000.0
        if i == 23:  # in the training part alone
            label = "hum"
        wave = 0.3 * np.sin(2 * np.pi * pitch * time) + 0.05 * random.standard_normal(len(time))
        rows.append((wave, label))
    return rows


def write_audio_classification(folder: Path, rows: dict[str, list[Any]]) -> dict[str, str]:
    import soundfile

    paths = {}
    for part, labelled in rows.items():
        (folder / part).mkdir()
        lines = ["file,label"]
        for i, (samples, label) in enumerate(labelled):
            soundfile.write(folder / part / f"{i}.wav", samples, 16000)
            lines.append(f"{part}/{i}.wav,{label}")
        path = folder / f"{part}-list.csv"
        path.write_text("\n".join(lines) + "\n")
        paths[part] = str(path)
    return paths


def histories(part: str) -> list[list[float]]:
    """Return series of nine steps: a level, a slope, and every other step somewhat higher."""
    random = np.random.default_rng(len(part))
    lift = {"train": 3.0, "valid": 2.0, "test": 4.0}[part]
    rows = []
    for i in range(SIZES[part]):
        level, slope = 20 + 7 * (i % 4), (i % 3) - 1
        noise = random.normal(0, 0.3, 9)
        steps = enumerate(noise)
        rows.append([round(level + slope * t + lift * (t % 2) + float(e), 3) for t, e in steps])
    return rows


def write_histories(path: Path, rows: list[list[float]], *, names: bool = True) -> str:
    """Write each series' steps, one a day; where there is one, it needs no name."""
    lines = ["day,level" if not names else "which,day,level"]
    for i, values in enumerate(rows):
        for t, value in enumerate(values):
            lines.append((f"s{i:02}," if names else "") + f"2021-03-{t + 1:02},{value}")
    path.write_text("\n".join(lines) + "\n")
    return str(path)


def write_forecasting(folder: Path, rows: dict[str, list[Any]]) -> dict[str, str]:
    return {p: write_histories(folder / f"{p}-levels.csv", some) for p, some in rows.items()}


def watched(part: str) -> list[list[float]]:
    """Return series of 34 steps that swing; in the test part most have a few that are far off."""
    random = np.random.default_rng(3 * len(part) + SIZES[part])
    rows = []
    for i in range(SIZES[part]):
        values = 20 + 3 * np.sin(np.arange(34) * 1.1 + i) + random.normal(0, 0.2, 34)
        if part == "test" and i % 4 == 3:  # another swing, as near to the mean
            values[26:30] = [23, 17, 23, 17]
        elif part == "test" and i % 4 == 2:  # a step that is out of place, and not far
            values = 48 + (values - 20) / 2
            values[28] = 50.5 if values[27] < 48 else values[28]
            values[29] = 50.5
        elif part == "test":
            values[28 : 30 + i % 2] += 50
        rows.append(values.round(3).tolist())
    return rows


def write_watched(path: Path, rows: list[list[float]], *, names: bool = True) -> str:
    """Write each series' steps, one a day, with a mark where they are far off."""
    lines = ["which,day,level,is_anomaly" if names else "day,level"]
    for i, values in enumerate(rows):
        for t, value in enumerate(values):
            day = np.datetime64("2021-03-01") + t
            lines.append(f"s{i:02},{day},{value},{int(value > 50)}" if names else f"{day},{value}")
    path.write_text("\n".join(lines) + "\n")
    return str(path)


def write_anomaly_detection(folder: Path, rows: dict[str, list[Any]]) -> dict[str, str]:
    return {p: write_watched(folder / f"{p}-watched.csv", some) for p, some in rows.items()}


ROWS = {
    "speech_recognition": said,
    "audio_classification": sounds,
    "sentiment": texts,
    "ner": sentences,
    "translation": pairs,
    "image_classification": pictures,
    "image_captioning": captioned,
    "music_generation": tunes,
    "polyphonic_music": rolls,
    "language_model": prose,
    "signal_classification": waves,
    "forecasting": histories,
    "anomaly_detection": watched,
}
WRITE = {
    "speech_recognition": write_speech_recognition,
    "audio_classification": write_audio_classification,
    "sentiment": write_sentiment,
    "ner": write_ner,
    "translation": write_translation,
    "image_classification": write_image_classification,
    "image_captioning": write_image_captioning,
    "music_generation": write_music_generation,
    "polyphonic_music": write_polyphonic_music,
    "language_model": write_language_model,
    "signal_classification": write_signal_classification,
    "forecasting": write_forecasting,
    "anomaly_detection": write_anomaly_detection,
}


def write(task: str, folder: Path, **changed: list[Any]) -> Parts:
    """Write the parts of a task's files; rows of parts that are given stand in for the usual."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = {part: ROWS[task](part) for part in SIZES} | changed
    paths = WRITE[task](folder, rows)
    return Parts(paths["train"], paths["valid"], paths["test"], rows)
