"""A piece that a model goes on with: what was given, and what follows, to be heard."""

import base64
import json
from html import escape
from pathlib import Path

from recurra.data.music import note_list
from recurra.data.rolls import Roll, to_midi
from recurra.demo.drawings import roll
from recurra.demo.player import PLAYER
from recurra.tasks.codecs.rolls import Continuation, RollCodec
from recurra.tasks.model import Model

GIVEN, LENGTH = 16, 32  # steps


def harmony(model: Model, out: Path) -> str:
    """Give the beginning of a test piece, and show how it goes on, and what the piece cost."""
    pieces: list[Roll] = model.task.read(model.recipe).test
    piece = next((one for one in pieces if len(one.frames) > GIVEN), pieces[0])
    begun = out / "begun.mid"
    codec: RollCodec = model.codec  # type: ignore[assignment]  # as the task's
    begun.write_bytes(to_midi(piece.frames[:GIVEN], codec.steps))
    answer: Continuation
    (answer,) = model.predict([begun], length=LENGTH, temperature=0.7)
    answer.save(out / "harmony.mid")
    notes = note_list(answer.midi)
    data = base64.b64encode(answer.midi).decode()
    said = " | ".join(" ".join(step) or "–" for step in answer.notes[:8])
    return (
        f"<p>After {answer.steps} steps of a chorale that it never saw ({answer.nll:.1f} nats a "
        f"step), the model goes on: {escape(said)} … "
        f'<button data-notes="{escape(json.dumps(notes))}">▶ play</button> '
        f'<a download="harmony.mid" href="data:audio/midi;base64,{data}">harmony.mid</a></p>'
        f'<div class="wide">{roll(notes)}</div>{PLAYER}'
    )
