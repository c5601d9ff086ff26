"""Options that several tasks share: each family is a record over the common recipe.

A task's recipe derives from those families whose options it reads. What it has not is no flag, no
key of a file and no line of its `--help`.
"""

from recurra.training.options.decoding import Alarmed, Continued, Drawn, Listened, Sampled, Searched
from recurra.training.options.layers import Attended, Body, Layers, Pooled, TwoWay
from recurra.training.options.learning import Classes, Taught, Together, WordDropout
from recurra.training.options.sounds import Heard, Roughened
from recurra.training.options.tables import (
    CaptionTable,
    Encoded,
    PairTable,
    RunningText,
    SeriesTable,
    SignalTable,
    SoundTable,
    TaggedTable,
    TextTable,
    Transcripts,
    Words,
)

__all__ = [
    "Alarmed",
    "Attended",
    "Body",
    "CaptionTable",
    "Classes",
    "Continued",
    "Drawn",
    "Encoded",
    "Heard",
    "Layers",
    "Listened",
    "PairTable",
    "Pooled",
    "Roughened",
    "RunningText",
    "Sampled",
    "Searched",
    "SeriesTable",
    "SignalTable",
    "SoundTable",
    "TaggedTable",
    "Taught",
    "TextTable",
    "Together",
    "Transcripts",
    "TwoWay",
    "WordDropout",
    "Words",
]
