"""One step in ONNX Runtime: our exported LSTM beside nn.LSTM exported the usual way."""

import io
import json
import statistics
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import torch
from torch import nn

import recurra
from recurra.runtime import load

SIZE = 128
REPEATS, STEPS = 101, 200


def measure() -> dict[str, Any]:
    """Return medians of microseconds a step, of each, and by how much ours is faster.

    Same weights, same inputs, one row, one thread. The usual way: `torch.onnx.export` of nn.LSTM
    with h and c as inputs and outputs, each step one `session.run` that is given what the last
    returned. Ours: `recurra.export`, and a stream of `recurra.runtime`. Repetitions take turns.
    Two clocks: the wall's, and the processor time of the thread, which other work on the machine
    does not count into.
    """
    torch.manual_seed(0)
    network = nn.LSTM(SIZE, SIZE, batch_first=True).eval()
    x = np.random.default_rng(0).normal(size=(1, SIZE)).astype(np.float32)
    with tempfile.TemporaryDirectory() as folder:
        recurra.export(recurra.from_torch(network).eval(), folder)
        stream = load(Path(folder)).stream()
    steps: dict[str, Callable[[], Any]] = {
        "recurra": lambda: stream.step(x),
        "nn.LSTM": _usual(network, x),
    }
    apart = max(
        float(np.abs(_said(steps["recurra"]) - _said(steps["nn.LSTM"])).max()) for _ in "1234"
    )
    wall, own = ({name: list[float]() for name in steps} for _ in range(2))
    for _ in range(REPEATS):
        for name, run in steps.items():
            begun = time.perf_counter(), time.thread_time()
            for _ in range(STEPS):
                run()
            wall[name].append(1e6 * (time.perf_counter() - begun[0]) / STEPS)
            own[name].append(1e6 * (time.thread_time() - begun[1]) / STEPS)
    return {
        "hidden": SIZE,
        "rows": 1,
        "threads": 1,
        "repetitions": REPEATS,
        "steps": STEPS,
        "apart": apart,
        "wall": _compared(wall),
        "thread": _compared(own),
    }


def _compared(times: dict[str, list[float]]) -> dict[str, float]:
    ratios = [a / b for a, b in zip(times["nn.LSTM"], times["recurra"], strict=True)]
    medians = {f"{name}_microseconds": statistics.median(one) for name, one in times.items()}
    return {**medians, "faster": statistics.median(ratios)}


def _said(run: Callable[[], Any]) -> Any:
    return np.ravel(run())


def _usual(network: nn.LSTM, x: Any) -> Callable[[], Any]:
    """Return what takes a step of nn.LSTM as anyone exports and runs it."""
    written, one = io.BytesIO(), torch.zeros(1, 1, SIZE)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of an exporter that torch is about to replace
        torch.onnx.export(
            network,
            (one, (one, one)),
            written,
            input_names=["x", "h0", "c0"],
            output_names=["y", "h", "c"],
            dynamo=False,
        )
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(
        written.getvalue(), options, providers=["CPUExecutionProvider"]
    )
    given = {"x": x[None], "h0": one.numpy(), "c0": one.numpy()}

    def step() -> Any:
        y, given["h0"], given["c0"] = session.run(None, given)
        return y

    return step


if __name__ == "__main__":
    print(json.dumps(measure(), indent=1))
