"""Where cells are computed: in this process, in local ones, or on a cluster by way of joblib."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Generator, Iterator, Sequence
from importlib.util import find_spec
from typing import Any, TypeAlias

import infodecode
from infodecode.sweeps._cell import Cell

Row: TypeAlias = dict[str, object]

CLUSTERS = {"dask": ("dask.distributed", "dask distributed"), "ray": ("ray", '"ray[default]"')}
"""Backends that have an address, the module each needs and how pip calls it."""


PORTION = 4
"""Cells for each worker at a time, of a backend that hands back only all that it was given."""


class WorkersStopped(RuntimeError):
    """Workers died or could not be reached. Finished rows are in the table."""


def demand(backend: str | None, address: str | None) -> None:
    """Refuse a backend that is not there before anything is computed."""
    if address is not None and backend not in CLUSTERS:
        raise ValueError(f"address needs backend 'dask' or 'ray', got backend {backend!r}")
    if backend is None:
        return
    if backend in CLUSTERS:
        module, packages = CLUSTERS[backend]
        if not _installed(module):
            raise ValueError(f"backend {backend!r} is not installed: pip install {packages}")
        return
    from joblib.parallel import BACKENDS

    known = sorted({*BACKENDS, *CLUSTERS})
    if backend not in known:
        raise ValueError(
            f"backend must be one of {', '.join(known)} or be registered with "
            f"joblib.register_parallel_backend, got {backend!r}"
        )


def mapped(
    measure: Callable[[Cell], Row],
    cells: Sequence[Cell],
    *,
    jobs: int | None,
    backend: str | None,
    address: str | None,
) -> Generator[Row, None, None]:
    """The rows of the cells, each as soon as it is there.

    Raises:
        WorkersStopped: the workers did.
    """
    if backend is None and (jobs == 1 or len(cells) <= 1):
        yield from map(measure, cells)
        return
    try:
        with _workers(backend or "loky", address, jobs):
            for row in _by_joblib(measure, cells):
                yield _of_this_version(row)
    except WorkersStopped:
        raise
    except Exception as error:
        raise WorkersStopped(f"{type(error).__name__}: {error}") from error


def _by_joblib(measure: Callable[[Cell], Row], cells: Sequence[Cell]) -> Iterator[Row]:
    """Rows in the order in which they are finished; a few at a time where a backend must."""
    from joblib import Parallel, delayed, effective_n_jobs
    from joblib.parallel import get_active_backend

    tasks = [delayed(measure)(cell) for cell in cells]
    backend, count = get_active_backend()
    if backend.supports_return_generator:
        yield from Parallel(return_as="generator_unordered", batch_size=1)(tasks)
        return
    size = PORTION * effective_n_jobs(count)
    with Parallel(batch_size=1) as pool:
        for start in range(0, len(tasks), size):
            yield from pool(tasks[start : start + size])


@contextlib.contextmanager
def _workers(backend: str, address: str | None, jobs: int | None) -> Iterator[None]:
    """The backend, chosen for every ``Parallel`` inside."""
    from joblib import parallel_config

    options: dict[str, Any] = {}
    with contextlib.ExitStack() as stack:
        if backend == "dask":
            stack.enter_context(_dask_client(address, jobs))
        elif backend == "ray":
            _join_ray(address, jobs)
        elif backend == "loky":
            options["inner_max_num_threads"] = 1
        count = -1 if jobs is None else jobs
        stack.enter_context(parallel_config(backend=backend, n_jobs=count, **options))
        yield


def _dask_client(address: str | None, jobs: int | None) -> Any:
    from dask.distributed import Client

    if address is not None:
        return Client(address)
    return Client(n_workers=jobs, threads_per_worker=1, dashboard_address=None)


def _join_ray(address: str | None, jobs: int | None) -> None:
    import ray
    from ray.util.joblib import register_ray

    if not ray.is_initialized():
        ray.init(address=address, num_cpus=None if address else jobs, include_dashboard=False)
    register_ray()


def _of_this_version(row: Row) -> Row:
    if row["infodecode"] != infodecode.__version__:
        raise WorkersStopped(
            f"a worker has infodecode {row['infodecode']}, here it is {infodecode.__version__}"
        )
    return row


def _installed(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:
        return False
