"""What a run needs, as one flat frozen record: command-line flags and TOML keys are its fields."""

from __future__ import annotations

import dataclasses
import json
import math
import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, NamedTuple, get_args, get_type_hints

from recurra.data.readers.encoding import names as encodings
from recurra.errors import RecurraError, unknown


class Allowed(NamedTuple):
    """What a field takes: in words, and as a test."""

    words: str
    holds: Callable[[Any], bool]


def seconds(text: str) -> float:
    """Return a duration such as 90s, 3m, 2h or 1h30m in seconds.

    Raises:
        RecurraError: the text is no such duration, or is zero.
    """
    parts = re.fullmatch(r"(?:(\d{1,6})h)?(?:(\d{1,6})m)?(?:(\d{1,9})s)?", text, re.ASCII)
    counts = [int(count or 0) for count in parts.groups()] if parts else [0, 0, 0]
    total = 3600 * counts[0] + 60 * counts[1] + counts[2]
    if not total:
        raise RecurraError(f"duration {text!r}: write it as 90s, 3m, 2h or 1h30m, above zero")
    return float(total)


def _duration(text: str) -> bool:
    try:
        return seconds(text) > 0
    except RecurraError:
        return False


COUNT = Allowed("a whole number, 0 or more, below 2**31", lambda n: 0 <= n < 2**31)
SIZE = Allowed("a whole number, 1 or more, below 2**31", lambda n: 1 <= n < 2**31)
THREADS = Allowed("a whole number from 0 to 1024", lambda n: 0 <= n <= 1024)
DEPTH = Allowed("a whole number from 1 to 256", lambda n: 1 <= n <= 256)
POSITIVE = Allowed("a number above 0", lambda n: n > 0)
AMOUNT = Allowed("a number, 0 or more", lambda n: n >= 0)
SHARE = Allowed("a number from 0 up to but not 1", lambda n: 0 <= n < 1)
PART = Allowed("a number from 0 to 1", lambda n: 0 <= n <= 1)
SCALE = Allowed("a number, 2 or more", lambda n: n >= 2)
NUCLEUS = Allowed("a number above 0, up to 1", lambda n: 0 < n <= 1)
SEED = Allowed("a whole number from 0 to 2**63 - 1", lambda n: 0 <= n < 2**63)
NAME = Allowed(
    "a name or path that is not empty", lambda text: bool(text.strip()) and "\0" not in text
)
TEXT = Allowed("an encoding by its name, or utf-8,NAME", lambda text: bool(encodings(text)))
DEVICE = Allowed(
    "auto, cpu, cuda or cuda:N",
    lambda text: re.fullmatch(r"auto|cpu|cuda(:\d+)?", text) is not None,
)
DURATION = Allowed("a time above zero such as 90s, 3m, 2h or 1h30m", _duration)


def option(group: str, default: Any, text: str, allowed: Allowed | None = None) -> Any:
    """Return a recipe field: the group it is shown in, default, a line of help, what it takes."""
    metadata = {"group": group, "help": text, "allowed": allowed}
    return field(default=default, metadata=metadata)


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """Everything that decides a run; it travels with the saved model."""

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
    text_column: str | None = option(
        "data", None, "column of the text, by name or number; none: detected", NAME
    )
    label_column: str | None = option(
        "data", None, "column of the label, by name or number; none: detected", NAME
    )
    image_column: str | None = option(
        "data", None, "column of the pictures' paths, by name or number; none: detected", NAME
    )
    token_column: str | None = option(
        "data", None, "column of a tagged file's tokens, by name or number; none: detected", NAME
    )
    tag_column: str | None = option(
        "data", None, "column of a tagged file's tags, by name or number; none: detected", NAME
    )
    sentence_column: str | None = option(
        "data", None, "column that numbers a tagged file's sentences; none: detected", NAME
    )
    source: str | None = option("data", None, "source language or column; none: detected", NAME)
    target: str | None = option("data", None, "target language or column; none: detected", NAME)
    encoding: str | None = option("data", None, "encoding of text files; none: detected", TEXT)
    skip_bad_rows: bool = option("data", False, "go on past bad rows, and count them")
    max_length: int = option("data", 512, "longest sequence, in steps; longer ones are cut", SIZE)
    vocabulary: int = option(
        "data", 8000, "most entries that the vocabulary or tokenizer may have", SIZE
    )
    # model
    cell: str = option("model", "gru", "cell by name, package.module:Class or file.py:Class", NAME)
    engine: str | None = option(
        "model", None, "engine by name; none: the fastest that takes the cell", NAME
    )
    hidden: int = option("model", 128, "width of the recurrent state", SIZE)
    layers: int = option("model", 1, "recurrent layers, one on another", DEPTH)
    embedding: int = option("model", 64, "width of embeddings, or of the input features", SIZE)
    bidirectional: bool = option("model", False, "read backward too (where the type allows it)")
    lookahead: int = option(
        "model", 0, "steps of right context a one-directional model may see", COUNT
    )
    residual: bool = option("model", False, "pre-norm residual layers")
    time_scale: float | None = option(
        "model", None, "longest dependency in steps: chrono initialisation", SCALE
    )
    pool: Literal["last", "mean", "max", "attention"] = option(
        "model", "attention", "many-to-one pooling"
    )
    output: Literal["softmax", "crf"] = option("model", "softmax", "output layer of a tagger")
    attention: Literal["additive", "multiplicative"] = option(
        "model", "additive", "decoder's attention"
    )
    input_feeding: bool = option(
        "model", False, "feed the attention's last context to the decoder's step"
    )
    # regularisation
    dropout: float = option(
        "regularisation", 0.2, "dropout between layers and before the output", SHARE
    )
    variational: bool = option(
        "regularisation", False, "one dropout mask per sequence, not per step"
    )
    weight_drop: float = option("regularisation", 0.0, "dropout on recurrent weights", SHARE)
    word_dropout: float = option(
        "regularisation", 0.0, "share of input tokens read as unknown in training", SHARE
    )
    label_smoothing: float = option(
        "regularisation", 0.0, "share of probability spread over all classes", SHARE
    )
    scheduled_sampling: float = option(
        "regularisation", 0.0, "share of own predictions fed at the last epoch", PART
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
    clip: float = option("optimisation", 1.0, "largest gradient norm; 0: no clipping", AMOUNT)
    patience: int = option(
        "optimisation", 5, "validations without improvement before stopping; 0: never stop", COUNT
    )
    max_time: str | None = option(
        "optimisation", None, "stop in time and keep the best: 90s, 3m, 2h", DURATION
    )
    # decoding
    beam: int = option("decoding", 1, "beam width; 1: greedy; 0: sample", COUNT)
    temperature: float = option(
        "decoding", 1.0, "sampling temperature; 0: always the likeliest", AMOUNT
    )
    top_k: int = option("decoding", 0, "sample among the k likeliest; 0: all", COUNT)
    top_p: float = option(
        "decoding", 1.0, "sample among the likeliest that sum to p; 1: all", NUCLEUS
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

    @classmethod
    def of(cls, *layers: Mapping[str, Any]) -> Recipe:
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
        return cls(**{name: checked(known[name], value) for name, value in merged.items()})

    def check(self) -> None:
        """Refuse what no run can use.

        Raises:
            RecurraError: a value is not of its field's kind or range.
        """
        for known in dataclasses.fields(self):
            checked(known, getattr(self, known.name))

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


def checked(known: dataclasses.Field[Any], value: Any) -> Any:
    """Return `value` as the field keeps it.

    Raises:
        RecurraError: it is not of the field's kind or range.
    """
    hint = get_type_hints(Recipe)[known.name]
    kinds = get_args(hint) or (hint,)
    if value is None and type(None) in kinds:
        return None
    received = value
    if isinstance(value, str) and any("\ud800" <= c <= "\udfff" for c in value):
        # the command line's bytes that are no text could not be written into the model's files
        raise RecurraError(
            f"{known.name}: received {received!r}, which is not UTF-8; give the file another name"
        )
    if float in kinds and type(value) is int:
        value = float(value)
    allowed: Allowed | None = known.metadata["allowed"]
    if all(isinstance(kind, str) for kind in kinds):
        words, fits = "one of " + ", ".join(kinds), isinstance(value, str) and value in kinds
    elif allowed is None:
        words, fits = "true or false", type(value) is bool
    else:
        words, fits = allowed.words, type(value) in kinds
        fits = fits and (type(value) is not float or math.isfinite(value)) and allowed.holds(value)
    if not fits:
        raise RecurraError(f"{known.name}: received {received!r}; allowed is {words}")
    return value


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
