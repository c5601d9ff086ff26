"""Which columns of a table can be what."""

from recurra.data.readers.columns import choose_label, survey


def test_nearly_empty_columns_are_no_labels() -> None:
    rows = [
        (f"text {i}", "ab"[i % 2] if i < 4 else "", "cd"[i % 2] if i < 6 else "") for i in range(40)
    ]
    assert choose_label(survey(rows, 3), without=0) is None
    filled = [(*row, "ef"[i % 2]) for i, row in enumerate(rows)]
    assert choose_label(survey(filled, 4), without=0) == 3
