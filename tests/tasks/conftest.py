"""Small files of every format, so that each task trains within a second or two."""

import gzip
import json
import random
from pathlib import Path

import numpy as np

TINY = {"hidden": 8, "embedding": 8, "epochs": 1, "batch_size": 8, "device": "cpu", "threads": 1}


def write_reviews(folder: Path) -> str:
    rows = [
        f"{a} {n} was {w}\t{label}"
        for label, w in [("good", "fine"), ("bad", "awful")]
        for a in ("the", "this", "my", "our")
        for n in ("room", "film", "meal", "train", "book")
    ]
    random.Random(0).shuffle(rows)
    path = folder / "reviews.tsv"
    path.write_text("text\tlabel\n" + "\n".join(rows) + "\n", encoding="utf-8")
    return str(path)


def write_conll(folder: Path) -> str:
    names = ["Ann", "Bo", "Cy", "Di", "Ed", "Flo", "Gus", "Hal"]
    verbs = ["saw", "met", "left"]
    text = "".join(
        f"{name}\tB-PER\n{verb}\tO\n{town}\tB-LOC\n.\tO\n\n"
        for name in names
        for verb in verbs
        for town in ("Oslo", "Rome")
    )
    path = folder / "people.conll"
    path.write_text(text, encoding="utf-8")
    return str(path)


def write_pairs(folder: Path) -> str:
    ones, twos = ["red", "green", "blue", "white"], ["cat", "dog", "fox", "hen", "cow"]
    with gzip.open(folder / "a.en.gz", "wt") as en, gzip.open(folder / "a.xx.gz", "wt") as xx:
        for a in ones:
            for b in twos:
                en.write(f"a {a} {b}\n")
                xx.write(f"{b[::-1]} {a[::-1]}\n")
    return f"{folder / 'a.en.gz'},{folder / 'a.xx.gz'}"


def write_images(folder: Path) -> str:
    random = np.random.default_rng(0)
    x = random.integers(0, 256, (60, 8, 8)).astype(np.uint8)
    path = folder / "images.npz"
    np.savez(path, x=x, y=np.arange(60) % 3)
    return str(path)


def write_captions(folder: Path) -> str:
    from PIL import Image

    random = np.random.default_rng(0)
    lines = ["image,caption"]
    for i in range(24):
        Image.fromarray(random.integers(0, 256, (16, 16, 3)).astype(np.uint8)).save(
            folder / f"{i}.png"
        )
        lines.append(f"{i}.png,a {'red' if i % 2 else 'blue'} thing number {i % 5}")
    (folder / "captions.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return str(folder)


def write_midi(folder: Path) -> str:
    import symusic

    for i in range(20):
        score = symusic.Score(480)
        track = symusic.Track()
        for n in range(16):
            track.notes.append(symusic.Note(n * 480, 480, 60 + (i + 2 * n) % 12, 80))
        score.tracks.append(track)
        score.dump_midi(folder / f"{i}.mid")
    return str(folder)


def write_rolls(folder: Path) -> str:
    pieces = [
        [[60 + (i + 2 * n) % 12, *([48 + i % 5] if n % 2 else [])] for n in range(5 + i % 6)]
        for i in range(26)
    ]
    path = folder / "pieces.json"
    path.write_text(json.dumps(pieces))
    return str(path)


def write_prose(folder: Path) -> str:
    path = folder / "books.jsonl"
    rows = (
        f"The {a} cat saw {n} dogs.\nIt ran home — again."
        for a in ("red", "old")
        for n in range(15)
    )
    path.write_text("".join(json.dumps({"text": row}) + "\n" for row in rows), encoding="utf-8")
    return str(path)


def write_signals(folder: Path) -> str:
    random = np.random.default_rng(0)
    lines = ["@problemName Waves", "@univariate false", "@dimensions 2", "@classLabel true a b"]
    lines.append("@data")
    for i in range(30):
        time = np.arange(6 + i % 7)
        wave = np.sin(time * (1.5 if i % 2 else 0.4)) + random.normal(0, 0.05, len(time))
        channels = (",".join(f"{v:.4f}" for v in one) for one in (wave, 10 + 3 * wave[::-1]))
        lines.append(":".join([*channels, "ab"[i % 2]]))
    path = folder / "waves.ts"
    path.write_text("\n".join(lines) + "\n")
    return str(path)


def write_speech(folder: Path) -> str:
    """Write two tones as two words: "low" and "high", one to three of them."""
    import soundfile

    random, rows = np.random.default_rng(0), ["path,text"]
    for i in range(24):
        words = [("low", "high")[n] for n in random.integers(0, 2, 1 + i % 3)]
        pitches = [300 if word == "low" else 1200 for word in words]
        tones = [0.3 * np.sin(np.arange(2000) * 2 * np.pi * p / 8000) for p in pitches]
        samples = np.concatenate(tones) + 0.01 * random.standard_normal(2000 * len(words))
        soundfile.write(folder / f"{i}.wav", samples, 8000)
        rows.append(f"{i}.wav,{' '.join(words)}")
    path = folder / "speech.csv"
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")
    return str(path)


def write_sounds(folder: Path) -> str:
    import soundfile

    random = np.random.default_rng(0)
    for label, pitch in [("low", 300), ("high", 2500)]:
        (folder / label).mkdir()
        for i in range(14):
            time = np.arange(1000 + 160 * i) / 8000
            samples = 0.4 * np.sin(2 * np.pi * pitch * time) + 0.1 * random.standard_normal(
                len(time)
            )
            soundfile.write(folder / label / f"{i}.wav", samples, 8000)
    return str(folder)


def write_series(folder: Path) -> str:
    days = np.datetime64("2020-01-01") + np.arange(60)
    rows = [
        f"{site},{day},{base + i % 7 + i / 9:.2f},{(i * 5) % 11}"
        for site, base in [("east", 10), ("west", 40)]
        for i, day in enumerate(days)
    ]
    path = folder / "power.csv"
    path.write_text("site,day,load,wind\n" + "\n".join(rows) + "\n", encoding="utf-8")
    return str(path)


def write_sensor(folder: Path) -> str:
    random = np.random.default_rng(0)
    lines = ["time,heat,flow,is_anomaly"]
    for i in range(240):
        odd = i in range(218, 224)
        heat = np.sin(i / 4) + 0.05 * random.standard_normal() + 3 * odd
        flow = 5 + np.cos(i / 4) + 0.05 * random.standard_normal()
        day, hour = divmod(i, 24)
        lines.append(f"2026-01-{day + 1:02} {hour:02}:00,{heat:.3f},{flow:.3f},{int(odd)}")
    path = folder / "sensor.csv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return str(path)


WRITERS = {
    "image_classification": write_images,
    "music_generation": write_midi,
    "polyphonic_music": write_rolls,
    "image_captioning": write_captions,
    "sentiment": write_reviews,
    "ner": write_conll,
    "translation": write_pairs,
    "language_model": write_prose,
    "signal_classification": write_signals,
    "speech_recognition": write_speech,
    "audio_classification": write_sounds,
    "anomaly_detection": write_sensor,
    "forecasting": write_series,
}
