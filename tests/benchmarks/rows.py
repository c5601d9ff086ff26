"""Rows as measured, without measuring."""

from recurra.benchmarks.results import Row

MACHINE = {
    "processor": "a processor",
    "threads": 2,
    "instruction set": "avx2",
    "GFLOP/s": 150.0,
    "GB/s": 30.0,
    "bandwidth by": "triad",
    "software": "Python",
    "day": "2026-11-25",
    "left out": {"classic jax": "JAX lax.scan is left out: jax is not installed"},
}


def row(**fields: object) -> Row:
    return Row(
        **{
            "question": "classic",
            "part": "torch",
            "cell": "LSTM",
            "shape": (32, 256, 256, 256),
            "threads": 2,
            "engine": "native",
            "peer": "torch.nn",
            "ratio": 1.5,
            "spread": 0.02,
            "ours_ms": 200.0,
            "peer_ms": 300.0,
            "must": 1.3,
            "aim": 1.6,
            **fields,
        }
    )


GRID = [
    row(
        question="grid",
        part=cell.lower(),
        cell=cell,
        shape=(batch, steps, width, width),
        ratio=ratio,
        must=None,
        aim=None,
    )
    for cell in ("LSTM", "GRU", "Elman")
    for batch, steps, ratio in ((8, 32, 1.2), (8, 128, 0.9), (32, 128, 2.0))
    for width in (128, 256)
]
OTHERS = [
    row(question="scan", part="triad", cell="Affine", shape=(8, 2048, 256, 256), ratio=0.7),
    row(question="growth", part="time", cell="GRU", shape=(1, 1024, 64, 64), must=None),
    row(question="growth", part="time", cell="GRU", shape=(1, 2048, 64, 64), must=None),
]
