"""Carbon dioxide on Mauna Loa, and sunspots, out of statsmodels: the samples for series."""

from importlib import import_module
from typing import Any

import numpy as np

from recurra.data.readers.roles import Form
from recurra.data.readers.series import Series
from recurra.data.readers.series_parts import divide
from recurra.data.splits import Splits
from recurra.data.timeline import Timeline
from recurra.errors import MissingExtra

FORM = Form(("month",), None, None, "point")


def load(split: str) -> Splits[Series]:
    """Return the monthly means of carbon dioxide, split in time.

    Raises:
        MissingExtra: statsmodels is not installed.
    """
    parts = divide([co2()], ["valid", "test"], [float(part) for part in split.split(",")], "co2")
    return Splits(parts["train"], parts["valid"], parts["test"])


def co2() -> Series:
    """Return carbon dioxide in air in parts per million, March 1958 to December 2001.

    Weekly values (Saturdays; 59 of them missing) are averaged over each month that has any; five
    months have none, and stay missing. Keeling et al. 1976,
    https://doi.org/10.3402/tellusa.v28i6.11322.

    Raises:
        MissingExtra: statsmodels is not installed.
    """
    table = _bundled("co2").load_pandas().data
    weeks = table.index.to_numpy().astype("datetime64[M]")
    values = table["co2"].to_numpy()
    months = np.arange(weeks[0], weeks[-1] + 1)
    there = ~np.isnan(values)
    place = (weeks[there] - weeks[0]).astype(np.int64)
    count = np.bincount(place, minlength=len(months))
    total = np.bincount(place, values[there], minlength=len(months))
    means = np.where(count > 0, total / np.maximum(count, 1), np.nan)
    return _series("co2", means, months.astype("datetime64[us]"))


def sunspots() -> Series:
    """Return the yearly number of sunspots, 1700 to 2008.

    World Data Center SILSO, Royal Observatory of Belgium, https://www.sidc.be/SILSO.

    Raises:
        MissingExtra: statsmodels is not installed.
    """
    table = _bundled("sunspots").load_pandas().data
    years = (table["YEAR"].to_numpy().astype(np.int64) - 1970).astype("datetime64[Y]")
    return _series("sunspots", table["SUNACTIVITY"].to_numpy(), years.astype("datetime64[us]"))


def _bundled(name: str) -> Any:
    try:
        return import_module(f"statsmodels.datasets.{name}")
    except ImportError as error:
        raise MissingExtra("the sample of series", "statsmodels", "demo") from error


def _series(name: str, values: Any, times: Any) -> Series:
    column = np.asarray(values, dtype=np.float64)[:, None]
    rows = np.where(np.isnan(column[:, 0]), 0, np.arange(1, len(column) + 1))
    known = np.zeros((len(column), 0))
    timeline = Timeline.fit(times)
    return Series(column, known, timeline, (name,), (), rows, "", 0, FORM, f"{name}:1")
