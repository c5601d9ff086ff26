"""How long is a forward pass over whole sequences, against torch.nn and ONNX Runtime?"""

from collections.abc import Iterator

from recurra.benchmarks.contest import Contest, Peer, hold
from recurra.benchmarks.job import prepare
from recurra.benchmarks.peers import onnx_runtime, torch_nn
from recurra.benchmarks.question import Question, Settings
from recurra.benchmarks.questions.classic import CELLS, LONG, MIDDLE, WIDE
from recurra.benchmarks.results import Row

PEERS: dict[str, tuple[Peer, ...]] = {
    "torch": (torch_nn.PADDED,),
    "onnx": (onnx_runtime.SEQUENCE,),
}


def answer(part: str, settings: Settings) -> Iterator[Row]:
    """Yield a row per cell, shape and peer."""
    for kind in CELLS:
        for shape in (WIDE, MIDDLE, LONG) if not settings.quick else ((3, 8, 5, 7),):
            contest = Contest("inference", part, prepare(kind, shape, train=False), PEERS[part], {})
            yield from hold(contest, settings.threads, settings.pace(2.0))


INFERENCE = Question(
    "inference",
    "A forward pass of LSTM, GRU and Elman, without gradients; no ratio was asked for.",
    tuple(PEERS),
    answer,
    1.5,
)
