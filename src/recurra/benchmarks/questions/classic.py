"""How long is a train step of a classic cell, against torch.nn, JAX, Keras, torch.compile?"""

from collections.abc import Iterator

from recurra.benchmarks.contest import Contest, Peer, Target, hold
from recurra.benchmarks.job import prepare
from recurra.benchmarks.peers import jax_scan, torch_nn
from recurra.benchmarks.question import Question, Settings
from recurra.benchmarks.results import Row
from recurra.cells import GRU, LSTM, Elman

CELLS = (LSTM, GRU, Elman)
WIDE, MIDDLE, LONG = (32, 256, 256, 256), (32, 128, 128, 128), (1, 512, 128, 128)
TARGETS = {
    (LSTM, WIDE): Target(1.3, 1.6),
    (GRU, WIDE): Target(2.0, 2.5),
    (Elman, WIDE): Target(1.5, 2.0),
    (LSTM, MIDDLE): Target(1.05, 1.3),
    (GRU, MIDDLE): Target(3.0, 4.0),
    (Elman, MIDDLE): Target(2.5, 4.0),
    (LSTM, LONG): Target(1.6, 2.0),
    (GRU, LONG): Target(15.0, 25.0),
    (Elman, LONG): Target(10.0, 20.0),
}
PEERS: dict[str, tuple[Peer, ...]] = {
    "torch": (torch_nn.PADDED,),
    "jax": (jax_scan.CLASSIC, jax_scan.KERAS),
    "compile": (torch_nn.COMPILED,),
}


def answer(part: str, settings: Settings) -> Iterator[Row]:
    """Yield a row per cell, shape and peer."""
    shapes = (MIDDLE,) if part == "compile" else (WIDE, MIDDLE, LONG)
    for kind in CELLS:
        for shape in shapes if not settings.quick else ((3, 8, 5, 7),):
            target = TARGETS.get((kind, shape), Target())
            contest = Contest(
                "classic", part, prepare(kind, shape), PEERS[part], {torch_nn.PADDED.name: target}
            )
            yield from hold(contest, settings.threads, settings.pace(4.0))


CLASSIC = Question(
    "classic",
    "A train step (forward and backward) of LSTM, GRU and Elman at three shapes.",
    tuple(PEERS),
    answer,
    4.0,
)
