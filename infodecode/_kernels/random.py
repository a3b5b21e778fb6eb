"""Counter-based random numbers: a pure function of (stream, round, stage, position).

Each number is a hash (two rounds of SplitMix64's finaliser), so that a sequence's draws depend on
nothing but its own stream: not on the batch, the thread, or the sequences beside it.
"""

from __future__ import annotations

import numpy as np

from infodecode._kernels.jit import njit


@njit
def mix(z):  # type: ignore[no-untyped-def]
    """SplitMix64's finaliser: a bijection of 64-bit words."""
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


@njit
def counter(round_, stage, position):  # type: ignore[no-untyped-def]
    """A mixed word for each (round, stage, position), the same in every stream."""
    plain = (
        (np.uint64(round_) << np.uint64(40))
        | (np.uint64(stage) << np.uint64(32))
        | np.uint64(position)
    )
    return mix((plain + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15))


@njit
def bits_at(stream, mixed):  # type: ignore[no-untyped-def]
    """64 random bits of a stream at a `counter`."""
    return mix((stream ^ mixed) + np.uint64(0x9E3779B97F4A7C15))


@njit
def uniform_at(stream, mixed):  # type: ignore[no-untyped-def]
    """`uniform` of a stream at a `counter`."""
    return np.float64(bits_at(stream, mixed) >> np.uint64(11)) * (2.0**-53)


@njit
def uniform(stream, round_, stage, position):  # type: ignore[no-untyped-def]
    """A multiple of 2^-53 in [0, 1)."""
    return uniform_at(stream, counter(round_, stage, position))


@njit
def streams_into(key, first, out):  # type: ignore[no-untyped-def]
    """Streams of the sequences ``first``, ``first + 1``, … under a seed's 64-bit ``key``."""
    for k in range(out.shape[0]):
        out[k] = mix(
            key + mix((np.uint64(first + k) + np.uint64(1)) * np.uint64(0xD1342543DE82EF95))
        )


@njit
def uniforms_into(stream, round_, rows, positions, stage, out):  # type: ignore[no-untyped-def]
    """One uniform per (row, position) pair."""
    for k in range(rows.shape[0]):
        out[k] = uniform(stream[rows[k]], round_[rows[k]], stage, positions[k])
