"""The clock is a fake: rounds, blocks and what is counted are exact."""

import pytest

from recurra.benchmarks.timing import Block, Pace, Timing, race


class Machine:
    """A clock that runs only while contenders do, and a note of who ran."""

    def __init__(self) -> None:
        self.now = self.waited = 0.0
        self.ran: list[str] = []

    def run(self, name: str, seconds: float, waits: float = 0.0):
        def once() -> None:
            self.ran.append(name)
            self.now += seconds
            self.waited += waits

        return once

    def race(self, pace: Pace, **seconds: float) -> Timing:
        runs = {name: self.run(name, each) for name, each in seconds.items()}
        return race(
            runs, pace, clock=lambda: self.now, delay=lambda: self.waited, sleep=lambda _: None
        )


def test_contenders_run_in_turn():
    machine = Machine()
    timing = machine.race(Pace(block=1.0, budget=0.0, least=2), ours=2.0, peer=3.0)
    assert machine.ran == ["ours", "peer", "ours", "peer", "ours", "peer"]  # the first warms up
    assert timing.median("ours") == 2.0
    assert timing.median("peer") == 3.0
    assert timing.spread("ours", "peer") == 0.0


def test_short_runs_fill_a_block_after_one_that_is_not_timed():
    machine = Machine()
    machine.race(Pace(block=0.005, budget=0.0, least=1), ours=0.001)
    assert len(machine.ran) == 2 + 5 + 5


def test_a_block_tells_the_seconds_of_one_run_and_the_middle_one_counts():
    timing = Machine().race(Pace(block=0.005, budget=0.0, least=2), ours=0.001)
    assert [block.seconds for block in timing.blocks["ours"]] == pytest.approx([0.001, 0.001])
    uneven = Timing({"ours": [Block(seconds, 0.0) for seconds in (1.0, 2.0, 9.0)]})
    assert uneven.median("ours") == 2.0


def test_no_round_begins_after_the_budget():
    machine = Machine()
    timing = machine.race(Pace(block=1.0, budget=5.0, least=2, most=9), ours=1.0, peer=1.0)
    assert len(timing.blocks["ours"]) == 3
    many = Machine().race(Pace(block=1.0, budget=1e9, least=2, most=9), ours=1.0)
    assert len(many.blocks["ours"]) == 9


def test_blocks_that_waited_for_a_cpu_do_not_count():
    quiet, loud = Block(1.0, 0.0), Block(9.0, 0.5)
    timing = Timing({"ours": [quiet, loud, quiet, quiet], "peer": [loud, loud, loud, loud]})
    assert timing.median("ours") == 1.0
    assert timing.median("peer") == 9.0  # there is no other
    assert timing.counted("ours") == [quiet] * 3


def test_spread_is_of_the_ratios_of_rounds():
    ours = [Block(1.0, 0.0)] * 5
    peer = [Block(seconds, 0.0) for seconds in (1.0, 2.0, 3.0, 4.0, 5.0)]
    assert Timing({"ours": ours, "peer": peer}).spread("ours", "peer") == pytest.approx(2 / 3)
