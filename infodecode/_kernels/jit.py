"""The one `njit` of the package: nopython, GIL released, cached on disk unless switched off.

Set ``INFODECODE_CACHE=0`` to compile afresh in every process. Do so while editing kernels: numba
does not notice that a kernel called by another one has changed.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba
from numba.core import event

from infodecode._progress import watched

Function = TypeVar("Function", bound=Callable[..., Any])

_CACHE = os.environ.get("INFODECODE_CACHE", "1") != "0"


def njit(function: Function) -> Function:
    """Compile ``function`` for flat arrays; ``function.py_func`` is the plain version."""
    return cast("Function", numba.njit(cache=_CACHE, nogil=True)(function))


class _CompilationNotice(event.Listener):
    """Says once, on a terminal or in a notebook, why the first call takes seconds."""

    def __init__(self) -> None:
        self._said = False

    def on_start(self, event: object) -> None:
        if not self._said and watched():
            self._said = True
            kept = "kept for the next time" if _CACHE else "INFODECODE_CACHE=0"
            print(f"infodecode: compiling once ({kept}) …", file=sys.stderr)

    def on_end(self, event: object) -> None:
        """Nothing to say."""


event.register("numba:compile", _CompilationNotice())  # type: ignore[no-untyped-call]
