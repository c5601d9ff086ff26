"""How much of a gradient comes back through so many steps, by cell and initialisation."""

from __future__ import annotations

from statistics import median

import torch

from recurra.dynamics import Flow, flow
from recurra.limits import ways
from recurra.limits.case import Case
from recurra.limits.experiment import Experiment
from recurra.limits.finding import Limit
from recurra.limits.ways import Way
from recurra.reports import Plot, Table

INPUT, HIDDEN, ROWS = 8, 64, 8
LAGS = 40, 120, 360
USEFUL = 0.01  # share of a gradient that is still of use


WAYS = (
    ways.RNN,
    ways.TORCH_LSTM,
    ways.TORCH_GRU,
    ways.ORTHOGONAL,
    ways.RING,
    ways.IDENTITY,
    ways.INDRNN,
    ways.UNIT_FORGET,
    ways.CHRONO_LSTM,
    ways.CHRONO_GRU,
    ways.CHRONO_MINGRU,
    ways.CHRONO_RGLRU,
    ways.RING_LRU,
)


def measured(way: Way, seed: int) -> Flow:
    """Return what comes back of a gradient in a new layer of this kind, on noise."""
    torch.manual_seed(seed)
    layer = way.build(INPUT, HIDDEN, LAGS[-1])
    return flow(layer, torch.randn(ROWS, LAGS[-1], INPUT), every=LAGS[0] // 4, probes=2, seed=seed)


def run(case: Case) -> Limit:
    """Measure each layer as it starts."""
    seeds = case.runs(5, 1)
    rows = []
    lines = dict[str, list[tuple[float, float]]]()
    gains, horizons = dict[str, list[float]](), dict[str, float]()
    for way in WAYS:
        case.progress(way.name)
        found = [measured(way, seed) for seed in seeds]
        curve = [median(column) for column in zip(*(one.median for one in found), strict=True)]
        lags = found[0].lags
        lines[way.name] = list(zip(map(float, lags), curve, strict=True))
        at = dict(zip(lags, curve, strict=True))
        gains[way.name] = [at[lag] for lag in LAGS]
        horizons[way.name] = median(one.reaches(USEFUL) for one in found)
        reached = f"≥ {LAGS[-1]}" if horizons[way.name] >= LAGS[-1] else f"{horizons[way.name]:.0f}"
        whose = "recurra" if way.ours else "PyTorch, as it starts"
        rows.append([way.name, whose, *(f"{gain:.1e}" for gain in gains[way.name]), reached])
    plain = "nn.LSTM"
    best = max((way.name for way in WAYS if way.ours), key=lambda name: gains[name][-1])
    return Limit(
        name=EXPERIMENT.name,
        kind=EXPERIMENT.kind,
        title=EXPERIMENT.title,
        fails="Each step back multiplies a gradient by what a step keeps of the state: where it is "
        "less than 1, nothing comes back from far, and what lies there is never learnt.",
        cure="forget gates that start open for as long as needed (time_scale, --time-scale), "
        "linear cells (LRU, RGLRU, MinGRU), orthogonal or ring weights; `recurra diagnose`",
        verdict=f"{LAGS[-1]} steps back, {gains[plain][-1]:.0e} of a gradient is left in a new "
        f"{plain} (a hundredth: {horizons[plain]:.0f} steps), {gains[best][-1]:.2g} in {best}.",
        measured=f"‖v ∂s_T/∂s_T−lag‖ for random v of length 1, layers of {HIDDEN} units as they "
        f"start, on {ROWS} rows of white noise; the median of rows and seeds.",
        seeds=seeds,
        plots=(
            Plot(
                "What comes back through time",
                lines,
                "lag (steps back)",
                "‖∂s_T/∂s_T−lag‖ (share)",
                log=True,
                limits={f"a hundredth ({USEFUL:g})": USEFUL},
            ),
        ),
        tables=(
            Table(
                "What is left of a gradient",
                ["layer", "whose", *(f"{lag} steps back" for lag in LAGS), "a hundredth (steps)"],
                rows,
            ),
        ),
    )


EXPERIMENT = Experiment("vanishing", "weakness", "Vanishing gradients", 15, 15, run)
