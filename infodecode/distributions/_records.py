"""Laws of real data: counts, samples, records in a frame or a CSV file."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from infodecode import _validation
from infodecode._typing import Array
from infodecode.distributions._table import Table, weights_of

if TYPE_CHECKING:
    import pandas as pd


def from_counts(
    outcomes: object,
    counts: object,
    *,
    alphabet_sizes: Sequence[int] | None = None,
    labels: Sequence[Sequence[object]] | None = None,
    names: Sequence[object] | None = None,
) -> Table:
    """Table from outcomes ``(N, n)`` and integer counts ``(N,)``, kept exact."""
    rows = _validation.integer_array("outcomes", outcomes, dimensions=2)
    numbers = _validation.integer_array("counts", counts, dimensions=1)
    weights = weights_of("counts", numbers, len(rows))
    return Table(rows, weights, alphabet_sizes=alphabet_sizes, labels=labels, names=names)


def from_samples(samples: object, *, names: Sequence[object] | None = None) -> Table:
    """Empirical law of samples ``(size, n)``: the tokens of each position are its distinct values.

    The values may be integers or strings; labels keep them, in sorted order.
    """
    array = _validation.array("samples", samples)
    if array.ndim != 2 or array.size == 0:
        raise ValueError(f"samples must have shape (size, n), both at least 1, got {array.shape}")
    if array.dtype.kind not in "iuUSb":
        raise TypeError(f"samples must hold integers or strings, got {array.dtype}")
    codes, labels = [], []
    for column in array.T:
        values, code = np.unique(column, return_inverse=True)
        codes.append(code)
        labels.append(values.tolist())
    return Table(np.column_stack(codes), labels=labels, names=names, name=f"{len(array):,} samples")


def from_records(
    records: pd.DataFrame | str | Path,
    *,
    count: str | None = None,
    columns: Sequence[str] | None = None,
) -> Table:
    """Empirical law of the rows of a frame or of a CSV file with a header.

    Args:
        records: a pandas frame, or the path of a CSV file (read as text, so that ``01`` stays
            ``01``; only empty cells count as missing).
        count: name of a column of non-negative integers: how often the row occurred.
        columns: columns to use as positions, in this order; by default all but ``count``.

    Returns:
        A table of integer counts; positions are named after the columns, tokens after the values.

    Raises:
        FileNotFoundError: no such file.
        ValueError: no rows, unknown or repeated columns, missing values (names column and row),
            counts that are not integers >= 0.

    Example:
        >>> import pandas as pd
        >>> frame = pd.DataFrame({"sky": ["clear", "dark"], "rain": ["no", "yes"], "days": [9, 4]})
        >>> from_records(frame, count="days").total
        13
    """
    frame, name = _frame(records)
    if frame.columns.duplicated().any():
        repeated = frame.columns[frame.columns.duplicated()][0]
        raise ValueError(f"records must have distinct column names, got {repeated!r} twice")
    known = [str(c) for c in frame.columns]
    frame = frame.set_axis(known, axis=1)
    if count is not None:
        count = _column("count", count, known)
    others = [c for c in known if c != count]
    asked = others if columns is None else _validation.iterate("columns", columns)
    wanted = [_column(f"columns[{k}]", column, others) for k, column in enumerate(asked)]
    if len(set(wanted)) < len(wanted):
        raise ValueError(f"columns must be distinct, got {wanted}")
    if not wanted:
        raise ValueError(f"columns must name at least one of the columns {others}, got none")
    if len(frame) == 0:
        raise ValueError(f"records must have at least one row, got shape {frame.shape}")
    used = frame[wanted]
    missing = used.isna().to_numpy()
    if missing.any():
        row, column_index = (int(v) for v in np.argwhere(missing)[0])
        raise ValueError(
            "records must have no missing values, got one in column "
            f"{wanted[column_index]!r}, row {row}"
        )
    codes, labels = zip(*(_factorize(used[column]) for column in wanted), strict=True)
    weights = None if count is None else _counts(count, frame[count])
    return Table(np.column_stack(codes), weights, labels=labels, names=wanted, name=name)


def titanic() -> Table:
    """The 2,201 people aboard the Titanic by class, sex, age and survival.

    Counts of the British Board of Trade inquiry (1912, public domain) as tabulated by R. J. M.
    Dawson, *The "unusual episode" data revisited*, Journal of Statistics Education 3(3), 1995.
    """
    with resources.as_file(
        resources.files("infodecode.distributions") / "data/titanic.csv"
    ) as file:
        return from_records(file, count="count")


def _frame(records: object) -> tuple[pd.DataFrame, str]:
    import pandas as pd

    if isinstance(records, pd.DataFrame):
        return records, f"records of {len(records):,} rows"
    if not isinstance(records, str | Path):
        raise TypeError(
            "records must be a pandas DataFrame or the path of a CSV file, got "
            f"{_validation.shown(records)}"
        )
    path = Path(records)
    if not path.is_file():
        raise FileNotFoundError(f"records must name a CSV file, and there is none at {str(path)!r}")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", pd.errors.ParserWarning)
            frame = pd.read_csv(
                path,
                dtype=str,
                keep_default_na=False,
                na_values=[""],
                index_col=False,
                header=None,
                skip_blank_lines=False,
            )
    except pd.errors.EmptyDataError:
        raise ValueError(
            f"records must have a header and rows, got an empty file {str(path)!r}"
        ) from None
    except (pd.errors.ParserError, pd.errors.ParserWarning, UnicodeDecodeError) as error:
        raise ValueError(
            f"records must be a readable CSV file, got {str(path)!r}: {error}"
        ) from None
    while len(frame) and frame.iloc[-1].isna().all():
        frame = frame.iloc[:-1]
    if not len(frame) or frame.iloc[0].isna().any():
        raise ValueError(f"records must have a header that names every column, got {str(path)!r}")
    return frame.iloc[1:].set_axis(frame.iloc[0].to_list(), axis=1).reset_index(
        drop=True
    ), path.stem


def _column(name: str, value: object, known: Sequence[str]) -> str:
    """A column's name as text; frames may number their columns."""
    return _validation.choice(name, str(value) if isinstance(value, int) else value, known)


def _factorize(column: pd.Series) -> tuple[Array, list[object]]:
    import pandas as pd

    if isinstance(column.dtype, pd.CategoricalDtype):
        return column.cat.codes.to_numpy(), list(column.cat.categories)
    try:
        codes, values = pd.factorize(column, sort=False)
    except TypeError:
        raise TypeError(f"records must hold plain values, got others in {column.name!r}") from None
    labels = list(values)
    order = np.array(sorted(range(len(labels)), key=lambda k: _sort_key(labels[k])))
    rank = np.empty(len(order), np.int64)
    rank[order] = np.arange(len(order))
    return rank[codes], [labels[k] for k in order]


def _sort_key(label: object) -> tuple[int, float, str]:
    try:
        return (0, float(str(label)), str(label))
    except ValueError:
        return (1, 0.0, str(label))


def _counts(name: str, column: pd.Series) -> Array:
    import pandas as pd

    numbers = pd.to_numeric(column, errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)
    bad = ~np.isfinite(numbers) | (numbers < 0) | (numbers != np.floor(numbers)) | (numbers > 2**53)
    if bad.any():
        row = int(np.flatnonzero(bad)[0])
        raise ValueError(
            f"count column {name!r} must hold integers >= 0, got {column.iloc[row]!r} in row {row}"
        )
    if not numbers.any():
        raise ValueError(f"count column {name!r} must not be zero throughout")
    return numbers.astype(np.int64)
