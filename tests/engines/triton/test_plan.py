"""How launches are cut: everything is somebody's, and what waits for each other runs at once."""

from itertools import product

import pytest

pytest.importorskip("triton", reason="Triton is for Linux")

from recurra.engines.triton.plan import STAGES, Chip, plan

KIB = 1024
SIZES = (1, 5, 16, 37, 256, 512, 768, 1000, 2048, 4096)


@pytest.mark.parametrize("chip", [Chip(1, 227 * KIB), Chip(16, 99 * KIB), Chip(132, 227 * KIB)])
@pytest.mark.parametrize("itemsize", [2, 4])
def test_a_plan_covers_all_and_fits(itemsize: int, chip: Chip) -> None:
    for size, batch, heads, back in product(SIZES, (1, 8, 33, 300), (1, 4), (False, True)):
        gates, depth = (1, 4 * size) if back else (4, size)
        how = plan(batch, heads, size, depth, gates, itemsize, chip)
        assert how.members * how.columns >= size
        assert how.share <= how.rows
        for tile in (how.rows, how.columns, how.depth, how.split):
            assert tile & (tile - 1) == 0
        assert min(how.rows, how.columns * gates, how.depth) >= 16  # tl.dot has no less
        if how.persistent and how.members > 1:
            assert how.teams * heads * how.members <= chip.processors
        else:
            assert how.teams * how.share >= batch
        if how.resident:
            assert how.persistent
            assert how.split * how.depth >= depth
            parts = 2 if itemsize == 4 else 1  # float32 lies there as two numbers
            held = how.split * how.depth * how.columns * gates * itemsize * parts
            assert held + how.rows * how.split * how.depth * itemsize <= chip.shared
        else:
            on_the_way = STAGES * how.depth * itemsize * (how.columns * gates + how.rows)
            assert on_the_way <= chip.shared


def test_no_more_rows_are_read_than_must_be() -> None:
    """32 rows of 512 columns fill a GPU: columns are few enough for U to stay, rows are shared."""
    how = plan(32, 1, 512, 512, 4, 2, Chip(132, 227 * KIB))
    assert how.resident
    assert how.teams * how.members > 132 // 2
    assert how.share < 16
