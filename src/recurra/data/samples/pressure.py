"""A blood pressure with one beat that is not like the others: the sample for watching."""

import csv
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from recurra.data.readers.roles import Form
from recurra.data.readers.series import Series
from recurra.data.readers.series_parts import divide
from recurra.data.splits import Splits
from recurra.errors import MissingExtra

FORM = Form((), None, None, "point")
PLACE = "datasets/data/KDD-TSAD_135/135_UCR_Anomaly_InternalBleeding16_TEST.csv"
NEAR = 100  # steps about an anomaly in which an alarm is right, as the archive counts


def load(split: str) -> Splits[Series]:
    """Return the series, split in time: what is learned from holds nothing unusual.

    Series 135 of the UCR anomaly archive, "InternalBleeding16", out of aeon: 7,501 steps, the first
    1,200 of them usual, and one anomaly of 13. Its mark is widened to 100 steps each way. Wu and
    Keogh 2021, https://doi.org/10.1109/TKDE.2021.3112126, section 4.

    Raises:
        MissingExtra: aeon is not installed.
    """
    parts = divide([whole()], ["valid", "test"], [float(part) for part in split.split(",")], "UCR")
    return Splits(parts["train"], parts["valid"], parts["test"])


def whole() -> Series:
    """Return the series with its widened mark.

    Raises:
        MissingExtra: aeon is not installed.
    """
    found = find_spec("aeon")
    if found is None or found.origin is None:
        raise MissingExtra("the sample of anomalies", "aeon", "demo")
    with (Path(found.origin).parent / PLACE).open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    values = np.array([[float(row["value"])] for row in rows])
    marked = np.flatnonzero([row["is_anomaly"] == "1" for row in rows])
    known = np.zeros((len(rows), 1))
    known[marked[0] - NEAR : marked[-1] + NEAR + 1] = 1
    lines = np.arange(2, len(rows) + 2)
    names = ("pressure",), ("is_anomaly",)
    return Series(values, known, None, *names, lines, "", 0, FORM, "UCR 135:2")
