"""What a run needs, as one flat frozen record: command-line flags and TOML keys are its fields."""

from __future__ import annotations

import dataclasses
import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal, TypeVar, get_type_hints

from recurra.errors import RecurraError, unknown
from recurra.training.values import (
    AMOUNT,
    COUNT,
    DEVICE,
    DURATION,
    NAME,
    POSITIVE,
    SCALE,
    SEED,
    SHARE,
    SIZE,
    THREADS,
    checked,
    option,
)


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """What decides a run of any task; it travels with the saved model.

    A task's own recipe derives from this one, and adds the options that it reads: those of
    `training.options`, and its own.
    """

    # data
    data: str | None = option(
        "data", None, "file, folder, two files a,b, or hf:NAME; none: embedded sample", NAME
    )
    valid: str | None = option(
        "data", None, "validation file; none: found in the folder, or split off", NAME
    )
    test: str | None = option(
        "data", None, "test file; none: found in the folder, or split off", NAME
    )
    skip_bad_rows: bool = option("data", False, "go on past bad rows, and count them")
    # model
    cell: str = option("model", "gru", "cell by name, package.module:Class or file.py:Class", NAME)
    hidden: int = option("model", 128, "width of the recurrent state", SIZE)
    embedding: int = option("model", 64, "width of embeddings, or of the input features", SIZE)
    time_scale: float | None = option(
        "model", None, "longest dependency in steps: chrono initialisation", SCALE
    )
    init: Literal["default", "orthogonal", "identity", "ring"] = option(
        "model", "default", "recurrent weights at the start; default: the cell's own"
    )
    # regularisation
    dropout: float = option(
        "regularisation", 0.2, "dropout between layers and before the output", SHARE
    )
    # optimisation
    epochs: int = option("optimisation", 20, "passes over the training part, at most", SIZE)
    batch_size: int = option("optimisation", 32, "rows per batch, over all processes", SIZE)
    accumulate: int = option("optimisation", 1, "batches per optimiser step", SIZE)
    learning_rate: float = option("optimisation", 2e-3, "peak learning rate of AdamW", POSITIVE)
    weight_decay: float = option("optimisation", 0.01, "weight decay of AdamW", AMOUNT)
    warmup: float = option(
        "optimisation", 0.05, "share of all steps in which the learning rate rises", SHARE
    )
    schedule: Literal["cosine", "plateau", "constant"] = option(
        "optimisation", "cosine", "after the warm-up"
    )
    average: float = option(
        "optimisation", 0.0, "keep the moving average of the weights, of this decay; 0: none", SHARE
    )
    clip: float = option("optimisation", 1.0, "largest gradient norm; 0: no clipping", AMOUNT)
    patience: int = option(
        "optimisation", 5, "validations without improvement before stopping; 0: never stop", COUNT
    )
    max_time: str | None = option(
        "optimisation", None, "stop in time and keep the best: 90s, 3m, 2h", DURATION
    )
    # run
    seed: int = option("run", 0, "seed of weights, shuffling and sampling", SEED)
    out: str | None = option("run", None, "folder of the run; none: runs/TASK", NAME)
    resume: bool = option("run", False, "go on from the run's last checkpoint")
    device: str = option("run", "auto", "auto, cpu, cuda, or cuda:N", DEVICE)
    precision: Literal["32-true", "bf16-mixed", "16-mixed", "64-true"] = option(
        "run", "32-true", "numeric precision, in Lightning Fabric's words"
    )
    threads: int = option("run", 0, "CPU threads; 0: torch's choice", THREADS)
    tensorboard: bool = option("run", False, "write TensorBoard events too")
    diagnose_every: int = option(
        "run",
        0,
        "steps between two looks at gradients through time; fewer, where they would take 4 % of "
        "the time; 0: none",
        COUNT,
    )

    @classmethod
    def of(cls: type[R], *layers: Mapping[str, Any]) -> R:
        """Return the recipe of several mappings, the later ones over the earlier.

        Raises:
            RecurraError: a key is no field, or a value is not of its field's kind or range.
        """
        known = {f.name: f for f in dataclasses.fields(cls)}
        merged: dict[str, Any] = {}
        for layer in layers:
            for key, value in layer.items():
                name = key.replace("-", "_")
                if name not in known:
                    raise unknown("recipe field", key, list(known))
                merged[name] = value
        hints = cls.hints()
        return cls(**{n: checked(known[n], hints[n], value) for n, value in merged.items()})

    @classmethod
    @cache
    def hints(cls) -> dict[str, Any]:
        """Return the type of each field."""
        return get_type_hints(cls)

    def check(self) -> None:
        """Refuse what no run can use.

        Raises:
            RecurraError: a value is not of its field's kind or range.
        """
        for known in dataclasses.fields(self):
            checked(known, self.hints()[known.name], getattr(self, known.name))

    def asdict(self) -> dict[str, Any]:
        """Return the fields as plain values, for JSON and TOML."""
        return dataclasses.asdict(self)

    def to_toml(self) -> str:
        """Return the fields that are set, one a line, as `read_toml` reads them."""
        return "".join(
            # JSON's strings, numbers and booleans are TOML's too, except for character 127.
            f"{name} = {json.dumps(value, ensure_ascii=False)}\n".replace("\x7f", "\\u007f")
            for name, value in self.asdict().items()
            if value is not None
        )


R = TypeVar("R", bound=Recipe)


def read_toml(path: str | Path) -> dict[str, Any]:
    """Return the fields that a recipe file sets.

    Raises:
        RecurraError: the file is missing or is no TOML.
    """
    try:
        fields = tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:  # no TOML, no UTF-8, no path
        reason = getattr(error, "strerror", None) or error
        raise RecurraError(f"recipe {path} cannot be read: {reason}") from error
    for name, value in fields.items():
        if isinstance(value, dict):
            raise RecurraError(
                f"recipe {path} is flat: write its fields without the table [{name}]"
            )
    return fields
