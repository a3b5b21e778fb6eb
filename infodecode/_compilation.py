"""Why the first call takes seconds: said once, to a person who is waiting."""

from __future__ import annotations

import sys

from numba.core import event

from infodecode._kernels.jit import CACHE
from infodecode._progress import watched


class _Notice(event.Listener):
    """Hears of every compilation in the process and speaks of our own, the first time."""

    def __init__(self) -> None:
        self._said = False

    def on_start(self, compilation: event.Event) -> None:
        dispatcher = compilation.data.get("dispatcher")
        module = getattr(getattr(dispatcher, "py_func", None), "__module__", "")
        if not self._said and module.startswith("infodecode.") and watched():
            self._said = True
            kept = "kept for the next time" if CACHE else "INFODECODE_CACHE=0"
            print(f"infodecode: compiling once ({kept}) …", file=sys.stderr)

    def on_end(self, compilation: event.Event) -> None:
        """Nothing to say."""


def announce() -> None:
    """Start listening."""
    event.register("numba:compile", _Notice())  # type: ignore[no-untyped-call]
