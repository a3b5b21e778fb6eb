"""The one `njit` of the package: nopython, GIL released, cached on disk unless switched off.

Set ``INFODECODE_CACHE=0`` to compile afresh in every process. Do so while editing kernels: numba
does not notice that a kernel called by another one has changed.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba

Function = TypeVar("Function", bound=Callable[..., Any])

CACHE = os.environ.get("INFODECODE_CACHE", "1") != "0"


def njit(function: Function) -> Function:
    """Compile ``function`` for flat arrays; ``function.py_func`` is the plain version."""
    return cast("Function", numba.njit(cache=CACHE, nogil=True)(function))
