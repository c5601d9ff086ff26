"""JAX under jit: `lax.scan`, `lax.associative_scan`, and Keras's layers on it."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from functools import partial
from typing import Any

from recurra.benchmarks.contest import Peer
from recurra.benchmarks.job import Entry, Job
from recurra.cells import GRU, LSTM, Elman

UNROLLED = (1, 4, 16)  # steps of one turn of a scan's loop that are tried
TRIED = 3  # runs by which they are compared


def _weights(job: Job) -> dict[str, Any]:
    import jax.numpy as jnp

    return {name: jnp.asarray(p.detach().numpy()) for name, p in job.cell.named_parameters()}


def _entry(job: Job, weights: Any, forward: Callable[[Any, Any], Any], names: list[str]) -> Entry:
    """Return forward and backward pass as one compiled function of weights and input."""
    import jax
    import jax.numpy as jnp

    x = jnp.asarray(job.x.detach().numpy())
    if job.grad is None:
        call = jax.jit(forward)
        return Entry(lambda: [jax.block_until_ready(call(weights, x))], ["y"])
    grad = jnp.asarray(job.grad.numpy())

    def train(weights: Any, x: Any, grad: Any) -> Any:
        y, pull = jax.vjp(forward, weights, x)
        of_weights, of_x = pull(grad)
        return y, of_x, of_weights

    compiled = jax.jit(train)

    def run() -> list[Any]:
        y, of_x, of_weights = jax.block_until_ready(compiled(weights, x, grad))
        return [y, of_x, *([of_weights[name] for name in names[2:]])]

    return Entry(run, names)


def _lstm(w: Any, u: Any, carry: Any) -> Any:
    import jax
    import jax.numpy as jnp

    h, c = carry
    i, f, g, o = jnp.split(u + h @ w["from_state"].T, 4, axis=-1)
    c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jnp.tanh(g)
    h = jax.nn.sigmoid(o) * jnp.tanh(c)
    return (h, c), h


def _gru(w: Any, u: Any, carry: Any) -> Any:
    import jax
    import jax.numpy as jnp

    (h,) = carry
    r, z, n = jnp.split(u, 3, axis=-1)
    hr, hz, hn = jnp.split(h @ w["from_state"].T, 3, axis=-1)
    z = jax.nn.sigmoid(z + hz)
    n = jnp.tanh(n + jax.nn.sigmoid(r + hr) * (hn + w["state_bias"]))
    h = (1 - z) * n + z * h
    return (h,), h


def _elman(w: Any, u: Any, carry: Any) -> Any:
    import jax.numpy as jnp

    (h,) = carry
    h = jnp.tanh(u + h @ w["from_state"].T)
    return (h,), h


def _quickest(job: Job, forward: Callable[[int], Callable[[Any, Any], Any]], names: Any) -> Entry:
    """Return the entry whose scan is unrolled by the number of steps that is quickest here."""
    weights = _weights(job)
    entries = [_entry(job, weights, forward(steps), names) for steps in UNROLLED]
    return min(entries, key=lambda entry: _time(entry.run))


def _time(run: Callable[[], Any]) -> float:
    """Return the shortest of a few runs, in seconds; the first one compiles."""
    run()
    took = []
    for _ in range(TRIED):
        start = time.perf_counter()
        run()
        took.append(time.perf_counter() - start)
    return min(took)


STEPS = {LSTM: (_lstm, 2), GRU: (_gru, 1), Elman: (_elman, 1)}


def classic(job: Job) -> Entry:
    """Return `lax.scan` over a classic cell's step; the projection is one product before it.

    The loop is unrolled as far as is quickest.
    """
    import jax
    import jax.numpy as jnp

    step, parts = STEPS[type(job.cell)]
    batch, _, _, hidden = job.shape

    def forward(unroll: int, w: Any, x: Any) -> Any:
        u = jnp.swapaxes(x, 0, 1) @ w["from_input"].T + w["bias"]
        start = tuple(jnp.zeros((batch, hidden)) for _ in range(parts))
        _, y = jax.lax.scan(lambda carry, u: step(w, u, carry), start, u, unroll=unroll)
        return jnp.swapaxes(y, 0, 1)

    names = ["y", "x", "from_input", "from_state", "bias"]
    return _quickest(job, lambda unroll: partial(forward, unroll), names)


def _min_gru(w: Any, x: Any) -> tuple[Any, Any]:
    """Return decay and inject of a MinGRU."""
    import jax
    import jax.numpy as jnp

    z, candidate = jnp.split(x @ w["from_input"].T + w["bias"], 2, axis=-1)
    candidate = jnp.where(candidate >= 0, candidate + 0.5, jax.nn.sigmoid(candidate))
    z = jax.nn.sigmoid(z)
    return 1 - z, z * candidate


def scanned(job: Job) -> Entry:
    """Return MinGRU by `lax.scan`, one step after the other, unrolled as far as is quickest."""
    import jax
    import jax.numpy as jnp

    batch, _, _, hidden = job.shape

    def forward(unroll: int, w: Any, x: Any) -> Any:
        def step(h: Any, parts: Any) -> Any:
            h = parts[0] * h + parts[1]
            return h, h

        given = _min_gru(w, jnp.swapaxes(x, 0, 1))
        _, y = jax.lax.scan(step, jnp.zeros((batch, hidden)), given, unroll=unroll)
        return jnp.swapaxes(y, 0, 1)

    names = ["y", "x", "from_input", "bias"]
    return _quickest(job, lambda unroll: partial(forward, unroll), names)


def associative(job: Job) -> Entry:
    """Return MinGRU by `lax.associative_scan`: parallel over time."""
    import jax

    def forward(w: Any, x: Any) -> Any:
        def then(a: Any, b: Any) -> Any:
            return a[0] * b[0], b[0] * a[1] + b[1]

        return jax.lax.associative_scan(then, _min_gru(w, x), axis=1)[1]

    return _entry(job, _weights(job), forward, ["y", "x", "from_input", "bias"])


def keras(job: Job) -> Entry:
    """Return Keras's layer on JAX, under one jit as `train_on_batch` has it, without optimiser."""
    os.environ["KERAS_BACKEND"] = "jax"
    import keras
    import numpy as np

    _, _, inputs, hidden = job.shape
    cell: Any = job.cell
    matrices = [cell.from_input.detach().T.numpy(), cell.from_state.detach().T.numpy()]
    bias = cell.bias.detach().numpy()
    if isinstance(cell, GRU):  # Keras has z before r, and a bias at the state
        order = np.r_[hidden : 2 * hidden, 0:hidden, 2 * hidden : 3 * hidden]
        matrices = [matrix[:, order] for matrix in matrices]
        of_state = np.r_[np.zeros(2 * hidden, "f"), cell.state_bias.detach().numpy()]
        bias = np.stack([bias[order], of_state])
        layer = keras.layers.GRU(hidden, return_sequences=True)
    else:
        kind = keras.layers.LSTM if isinstance(cell, LSTM) else keras.layers.SimpleRNN
        layer = kind(hidden, return_sequences=True)
    layer.build((None, None, inputs))
    layer.set_weights([*matrices, bias])
    trained = [variable.value for variable in layer.trainable_variables]
    fixed = [variable.value for variable in layer.non_trainable_variables]

    def forward(w: Any, x: Any) -> Any:
        return layer.stateless_call(w, fixed, x)[0]

    return _entry(job, trained, forward, ["y", "x"])


CLASSIC = Peer("JAX lax.scan", classic, "jax")
SCANNED = Peer("JAX lax.scan", scanned, "jax")
ASSOCIATIVE = Peer("JAX associative_scan", associative, "jax")
KERAS = Peer("Keras on JAX", keras, "keras")
