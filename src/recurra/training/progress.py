"""How a run is shown: a bar on a terminal, plain lines elsewhere; and TensorBoard."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from io import TextIOBase
from pathlib import Path
from typing import IO, Any, TypeVar, cast

from recurra.errors import MissingExtra

T = TypeVar("T")


class Progress:
    """Shows a run while it trains: nothing where `quiet`.

    Args:
        quiet: show nothing.
        file: where to; standard error where it is not given.
    """

    def __init__(self, *, quiet: bool = False, file: TextIOBase | None = None) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, TextColumn, TimeRemainingColumn
        from rich.progress import Progress as Bar

        self.console = Console(
            file=cast("IO[str] | None", file), stderr=file is None, quiet=quiet, highlight=False
        )
        self.bar = Bar(
            TextColumn("epoch {task.fields[epoch]}"),
            BarColumn(),
            TextColumn("{task.percentage:>3.0f}%  loss {task.fields[loss]:.4f}"),
            TextColumn("{task.fields[best]}  {task.fields[speed]:,.0f} tokens/s"),
            TimeRemainingColumn(),
            console=self.console,
            transient=True,
            disable=quiet or not self.console.is_terminal,
        )
        self.task = self.bar.add_task("", total=1.0, epoch=1, loss=float("nan"), best="", speed=0.0)

    def __enter__(self) -> Progress:
        """Show the bar."""
        self.bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Take the bar away."""
        self.bar.stop()

    def stepped(self, share: float, epoch: int, loss: float, speed: float) -> None:
        """Move on: `share` of the run is done."""
        self.bar.update(self.task, completed=share, epoch=epoch, loss=loss, speed=speed)

    def validated(self, entry: Mapping[str, Any], metric: str, improved: bool) -> None:
        """Show one validation as a line, marked where it is the best so far."""
        self.bar.update(self.task, best=f"{metric} {_short(entry[metric])}")
        known = {"step", "epoch", "seconds", "train_loss", "learning_rate", "tokens_per_second"}
        metrics = "  ".join(f"{k} {_short(v)}" for k, v in entry.items() if k not in known)
        self.console.print(
            f"epoch {entry['epoch']:g}  step {entry['step']}  {entry['seconds']:.0f} s  "
            f"train_loss {_short(entry['train_loss'])}  {metrics}" + ("  best" if improved else ""),
            soft_wrap=True,
            markup=False,
        )

    def warn(self, text: str) -> None:
        """Show a warning as a line."""
        self.console.print(f"warning: {text}", soft_wrap=True, markup=False)


def shown(items: Sequence[T], what: str) -> Iterable[T]:
    """Return the items, with a bar on a terminal while they are gone through."""
    from rich.console import Console
    from rich.progress import track

    console = Console(stderr=True)
    return track(items, what, console=console, transient=True, disable=not console.is_terminal)


class Events:
    """TensorBoard's events of a run.

    Raises:
        MissingExtra: TensorBoard is not installed.
    """

    def __init__(self, folder: Path, step: int) -> None:
        need_events()
        from torch.utils.tensorboard import SummaryWriter

        # What a killed run wrote after `step` is hidden.
        self.writer = SummaryWriter(str(folder / "tensorboard"), purge_step=step + 1)

    def record(self, entry: Mapping[str, Any]) -> None:
        """Write the numbers of one validation."""
        for name, value in entry.items():
            if name != "step" and value is not None:
                self.writer.add_scalar(name, value, entry["step"])
        self.writer.flush()

    def close(self) -> None:
        """Write what is left."""
        self.writer.close()


def need_events() -> None:
    """Refuse to go on without TensorBoard.

    Raises:
        MissingExtra: it is not installed.
    """
    try:
        import torch.utils.tensorboard  # noqa: F401  # only whether it can be
    except ImportError as error:
        raise MissingExtra("TensorBoard's log", "tensorboard", "tensorboard") from error


def _short(number: float | None) -> str:
    return "nan" if number is None else f"{number:.4g}"
