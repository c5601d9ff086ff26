"""The questions, in the order in which they are asked: one file each."""

from recurra.benchmarks.question import Question
from recurra.benchmarks.questions.classic import CLASSIC
from recurra.benchmarks.questions.grid import GRID
from recurra.benchmarks.questions.growth import GROWTH
from recurra.benchmarks.questions.inference import INFERENCE
from recurra.benchmarks.questions.linear import LINEAR
from recurra.benchmarks.questions.long import LONG
from recurra.benchmarks.questions.mingru import MINGRU
from recurra.benchmarks.questions.narrow import NARROW
from recurra.benchmarks.questions.ragged import RAGGED
from recurra.benchmarks.questions.scan import SCAN
from recurra.benchmarks.questions.shapes import SHAPES
from recurra.benchmarks.questions.sixteen import SIXTEEN
from recurra.benchmarks.questions.start import START
from recurra.benchmarks.questions.streaming import STREAMING
from recurra.benchmarks.questions.training import TRAINING

QUESTIONS: tuple[Question, ...] = (
    CLASSIC,
    GRID,
    SHAPES,
    RAGGED,
    MINGRU,
    SCAN,
    LINEAR,
    STREAMING,
    NARROW,
    SIXTEEN,
    INFERENCE,
    TRAINING,
    GROWTH,
    LONG,
    START,
)
