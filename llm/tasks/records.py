"""Records of decoded questions: JSON Lines that are appended whole, and found again."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

Record = Mapping[str, Any]


class Records:
    """A file of records by their ``id``.

    What a killed run left half written at the end is cut off before anything is appended. One
    program at a time may append.

    Args:
        path: of the file; need not exist.

    Raises:
        ValueError: the file is something else; names the line.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._known: dict[str, Record] = {}
        if not path.exists():
            return
        content = path.read_bytes()
        whole = content.rfind(b"\n") + 1
        for number, line in enumerate(content[:whole].splitlines(), start=1):
            try:
                record = json.loads(line)
                self._known[record["id"]] = record
            except (ValueError, KeyError, TypeError):
                raise ValueError(f"{path}, line {number}: not a record of this program") from None
        if whole < len(content):
            with path.open("r+b") as file:
                file.truncate(whole)

    def __contains__(self, key: str) -> bool:
        return key in self._known

    def __getitem__(self, key: str) -> Record:
        return self._known[key]

    def __len__(self) -> int:
        return len(self._known)

    def append(self, records: Iterable[Record]) -> None:
        """Add records in one write that has reached the disk when this returns."""
        new = list(records)
        text = "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in new)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("ab") as file:
            file.write(text.encode())
            file.flush()
            os.fsync(file.fileno())
        self._known |= {record["id"]: record for record in new}
