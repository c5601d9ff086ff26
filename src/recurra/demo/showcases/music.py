"""A tune, to be heard."""

import base64
import json
from collections.abc import Sequence
from html import escape
from pathlib import Path

from recurra.demo.drawings import roll
from recurra.demo.player import PLAYER
from recurra.tasks.codecs.tunes import GeneratedTune, longest_copy
from recurra.tasks.model import Model

BARS = 16


def music(model: Model, out: Path) -> str:
    """Write a tune of at least 16 bars, and show it: piano roll, player, longest copied run."""
    tune = compose(model)
    tune.save(out / "tune.mid")
    train = [
        model.codec.encode(row)[1].tolist()[:-1] for row in model.task.read(model.recipe).train
    ]
    copied = longest_copy(tune.tokens, train)
    facts = {
        "key": f"{tune.key} {tune.mode}",
        "bars": tune.bars,
        "tokens": len(tune.tokens),
        "longest_run_shared_with_training": copied,
    }
    (out / "tune.json").write_text(json.dumps(facts, indent=2) + "\n", encoding="utf-8")
    notes = tune.notes()
    data = base64.b64encode(tune.midi).decode()
    return (
        f"<p>{escape(str(tune))}; the longest run of tokens that it shares with a training piece "
        f'is {copied}. <button data-notes="{escape(json.dumps(notes))}">▶ play</button> '
        f'<a download="tune.mid" href="data:audio/midi;base64,{data}">tune.mid</a></p>'
        f'<div class="wide">{roll(notes)}</div>{PLAYER}'
    )


def compose(model: Model, tries: int = 8) -> GeneratedTune:
    """Return the first of several sampled tunes with at least 16 bars, or the longest."""
    wanted: Sequence[tuple[int, str]] = [(7, "major")] * tries
    tunes: list[GeneratedTune] = model.predict(wanted)
    return next((t for t in tunes if t.bars >= BARS), max(tunes, key=lambda t: t.bars))
