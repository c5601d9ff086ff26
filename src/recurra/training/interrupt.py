"""Ctrl-C as a wish: the step is finished, the state is saved, and the run returns."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class Wish(threading.Event):
    """Set where somebody asked to stop.

    Attributes:
        number: the signal that asked.
    """

    number: int = signal.SIGINT

    @property
    def named(self) -> str:
        """Return what a run that stops for it was: interrupted, or terminated."""
        return "terminated" if self.number == signal.SIGTERM else "interrupted"


@contextmanager
def interruptible() -> Iterator[Wish]:
    """Yield an event that Ctrl-C or SIGTERM sets; the same signal again stops at once.

    Outside the main thread, where Python takes no signals, the event is never set.
    """
    asked = Wish()

    def ask(number: int, _: FrameType | None) -> None:
        if not asked.is_set():
            asked.number = number
        asked.set()
        # Each on its own: under torchrun, one Ctrl-C comes as both signals.
        again = signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL
        signal.signal(number, again)

    if threading.current_thread() is not threading.main_thread():
        yield asked
        return
    earlier = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield asked
    finally:
        for number, handler in earlier.items():
            signal.signal(number, handler)
