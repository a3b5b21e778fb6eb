"""The table of a sweep on disk: whole rows, appended one at a time, sorted at the end."""

from __future__ import annotations

import csv
import errno
import io
import os
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import TracebackType

from infodecode.sweeps._measure import COLUMNS

if sys.platform != "win32":
    import fcntl


class Table:
    """The rows of a CSV file by cell, open for one writer.

    A row is one line. Each is written and flushed to the disk as a whole, so that a process that is
    killed leaves whole rows and at most one half line, which is cut off when the table is next
    opened. Of several rows of a cell the last one counts.

    Rows of cells that are in no grid any more are kept in a second file, ``NAME.unused.csv``: a
    grid that goes back to them finds them finished.

    Attributes:
        path: the file.
        unused: the second file.
        cut: how many bytes of a half line were cut off.

    Args:
        path: the file; made if there is none.

    Raises:
        ValueError: the file is another table, or another process writes it.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.unused = _unused(path)
        self.cut = 0
        self._lines: dict[str, str] = {}

    def __enter__(self) -> Table:
        self._file = self.path.open("a+b")
        try:
            self._lock()
            whole = self._read()
            self._lines = _lines_of_both(self.path, whole)
            if self.cut:
                self._file.truncate(len(whole))
            if not whole:
                self._write(_line(COLUMNS))
        except BaseException:
            self._file.close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._file.close()

    def statuses(self, cells: Iterable[str]) -> dict[str, str]:
        """``ok`` or ``failed``, of those of the cells that have a row."""
        return _statuses(self._lines, cells)

    def append(self, row: Mapping[str, object]) -> None:
        """Write a row; when this returns it is on the disk."""
        line = _line(_cell(row[column]) for column in COLUMNS)
        self._write(line)
        self._lines[str(row["cell"])] = line

    def sort(self, cells: Iterable[str]) -> int:
        """Rewrite both files: these cells in this order, and all others; how many others."""
        order = list(cells)
        others = sorted(set(self._lines) - set(order))
        if others:
            _replace(self.unused, [self._lines[cell] for cell in others])
        _replace(self.path, [self._lines[cell] for cell in order if cell in self._lines])
        if not others:
            self.unused.unlink(missing_ok=True)
        return len(others)

    def _write(self, line: str) -> None:
        self._file.write(line.encode())
        self._file.flush()
        os.fsync(self._file.fileno())

    def _read(self) -> bytes:
        """The whole lines; counts what follows the last one."""
        self._file.seek(0)
        data = self._file.read()
        whole = _whole_lines(self.path, data)
        self.cut = len(data) - len(whole)
        return whole

    def _lock(self) -> None:
        if sys.platform == "win32":
            return
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ValueError(f"{self.path} is being written by another sweep") from None
        except OSError as error:
            if error.errno not in (errno.ENOLCK, errno.ENOTSUP):
                raise


def statuses(path: Path, cells: Iterable[str]) -> dict[str, str]:
    """As `Table.statuses`, of a table that is only looked at."""
    data = path.read_bytes() if path.is_file() else b""
    return _statuses(_lines_of_both(path, _whole_lines(path, data)), cells)


def _statuses(lines: Mapping[str, str], cells: Iterable[str]) -> dict[str, str]:
    place = COLUMNS.index("status")
    return {cell: next(csv.reader([lines[cell]]))[place] for cell in cells if cell in lines}


def _unused(path: Path) -> Path:
    return path.with_suffix(".unused.csv")


def _whole_lines(path: Path, data: bytes) -> bytes:
    """What a table surely has; half a header is a table without rows."""
    end = data.rfind(b"\n") + 1
    if not end and not _line(COLUMNS).encode().startswith(data):
        raise ValueError(_another(path))
    return data[:end]


def _another(path: Path) -> str:
    return (
        f"{path} is not a table of infodecode sweep with the columns of this version: move it away "
        "or choose another output"
    )


def _lines_of_both(path: Path, whole: bytes) -> dict[str, str]:
    """Lines of a table and of its unused rows, by cell."""
    unused = _unused(path)
    kept = _lines(unused, unused.read_bytes()) if unused.is_file() else {}
    return {**kept, **_lines(path, whole)}


def _lines(path: Path, data: bytes) -> dict[str, str]:
    """Lines by cell, each with its line feed."""
    if not data:
        return {}
    header = _line(COLUMNS).encode()
    if not data.startswith(header):
        raise ValueError(_another(path))
    found: dict[str, str] = {}
    text = data[len(header) :].decode("utf-8", errors="surrogateescape")
    for number, line in enumerate(text.split("\n")[:-1], start=2):
        row = next(csv.reader([line]), [])
        if len(row) != len(COLUMNS):
            raise ValueError(
                f"{path}, line {number}: must have {len(COLUMNS)} columns, got {len(row)}"
            )
        found[row[0]] = f"{line}\n"
    return found


def _replace(path: Path, lines: Iterable[str]) -> None:
    draft = path.with_name(path.name + ".tmp")
    with draft.open("w", newline="", encoding="utf-8") as file:
        file.write(_line(COLUMNS) + "".join(lines))
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)


def _line(values: Iterable[object]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(values)
    return text.getvalue()


def _cell(value: object) -> object:
    """12 significant digits of a number; a text on one line."""
    if isinstance(value, float):
        return f"{value:.12g}"
    return " ".join(value.split()) if isinstance(value, str) else value
