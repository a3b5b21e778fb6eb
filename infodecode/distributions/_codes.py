"""Linear codes over GF(2): uniform over the words that satisfy a set of parity checks."""

from __future__ import annotations

from functools import cached_property

import numpy as np

from infodecode import _validation
from infodecode._kernels.codes import (
    code_laws_into,
    code_ranks_into,
    complete_words_into,
    reduce_into,
    subset_ranks_into,
)
from infodecode._typing import Array, FloatArray, IntArray
from infodecode.distributions._joint import Joint
from infodecode.distributions._symmetry import Automorphism
from infodecode.distributions._table import Table

LARGEST_CODE = 10_000
"""Most positions of a code."""

LARGEST_CHECK = 50_000_000
"""Most entries of a parity-check matrix."""


class LinearCode(Joint):
    r"""Uniform law over the words y of n bits with H y = s over GF(2): see `linear_code`.

    Attributes:
        check: ``(r, n)`` the parity-check matrix H, as given.
        syndrome: ``(r,)`` s.
        dimension: k = n - rank H; there are 2^k words.
        free: ``(k,)`` positions that together take every value and decide all others: the first
            ones for which this holds.
        word: ``(n,)`` the word whose free bits are all 0.
    """

    def __init__(self, check: object, *, syndrome: object = None, name: str | None = None) -> None:
        self.check = _check_matrix(check)
        self.syndrome = _syndrome(syndrome, len(self.check))
        if name is not None and not isinstance(name, str):
            raise TypeError(f"name must be a string, got {_validation.shown(name)}")
        n = self.check.shape[1]
        self._solve()
        self.dimension = len(self.free)
        coset = ", coset" if self.syndrome.any() else ""
        self._describe(
            f"linear_code([{n}, {self.dimension}]{coset})" if name is None else name,
            [2] * n,
            [("0", "1")] * n,
            template="{}" * n,
        )
        if self._same_in_any_order:
            self.exchangeable = "positions"

    def _solve(self) -> None:
        """Bring the checks into reduced form: every bound bit as a sum of free ones."""
        n = self.check.shape[1]
        rows = _packed(np.concatenate([self.syndrome[:, None], self.check], axis=1))
        equations = np.empty((min(rows.shape[0], n), rows.shape[1]), np.uint64)
        leads = np.empty(len(equations), np.int64)
        count = reduce_into(rows, equations, leads)
        if count < 0:
            raise ValueError(
                f"syndrome must be the H y of some word y, but row {-1 - count} of check, which is "
                "zero or a sum of rows before it, asks for another bit than they do"
            )
        self._bound = leads[:count] - 1
        self.free: IntArray = np.setdiff1d(np.arange(n), self._bound)
        bits = _unpacked(equations[:count], n + 1)[:, np.concatenate([[0], self.free + 1])]
        self._checks = _packed(bits)
        self._fan_in = bits[:, 1:].sum(axis=1, dtype=np.int64)
        self._place = np.empty(n, np.int64)
        self._place[self.free] = np.arange(len(self.free))
        self._place[self._bound] = -1 - np.arange(count)
        self.word: IntArray = np.zeros(n, np.int32)
        self.word[self._bound] = bits[:, 0]
        for array in (self.check, self.syndrome, self.free, self.word):
            array.flags.writeable = False

    @cached_property
    def generator(self) -> IntArray:
        """Basis ``(k, n)`` of the code H y = 0 in reduced form, the identity at ``free``."""
        out = np.zeros((self.dimension, self.length), np.uint8)
        out[np.arange(self.dimension), self.free] = 1
        out[:, self._bound] = _unpacked(self._checks, self.dimension + 1)[:, 1:].T
        out.flags.writeable = False
        return out

    @property
    def _uniform_matroid(self) -> bool:
        """Whether any k positions are independent: whether ranks depend on sizes alone."""
        k, r = self.dimension, len(self._bound)
        return bool(k == 0 or r == 0 or (min(k, r) == 1 and (self._fan_in == k).all()))

    @property
    def _same_in_any_order(self) -> bool:
        constant = bool((self.word == self.word[0]).all())
        return self._uniform_matroid and (len(self._bound) <= 1 or constant)

    @property
    def support_size(self) -> int:
        return 1 << self.dimension

    def _laws(self, canvases: IntArray, rows: IntArray, positions: IntArray) -> FloatArray:
        out = np.zeros((len(rows), 2))
        code_laws_into(
            canvases, rows, positions, self._place, self.free, self._bound, self._checks, out
        )
        return out

    def _ranks(self, canvases: IntArray) -> IntArray:
        ranks = np.empty(len(canvases), np.int64)
        code_ranks_into(canvases, self.free, self._bound, self._checks, ranks)
        return ranks

    def _log2_mass(self, canvases: IntArray) -> FloatArray:
        ranks = self._ranks(canvases)
        return np.where(ranks < 0, -np.inf, 0.0 - ranks)

    def _completions(self, canvases: IntArray) -> FloatArray:
        ranks = self._ranks(canvases)
        with np.errstate(over="ignore"):
            return np.where(ranks < 0, 0.0, np.exp2(self.dimension - ranks))

    def _draw(self, size: int, generator: np.random.Generator) -> IntArray:
        return self._words(generator.integers(2, size=(size, self.dimension), dtype=np.int32))

    def _words(self, bits: IntArray) -> IntArray:
        """Words ``(M, n)`` with the given free bits ``(M, k)``."""
        words = np.zeros((len(bits), self.length), np.int32)
        words[:, self.free] = bits
        complete_words_into(self.free, self._bound, self._checks, words)
        return words

    def _entropy(self, positions: tuple[int, ...]) -> float:
        canvas = np.full((1, self.length), -1, np.int32)
        chosen = list(positions)
        canvas[0, chosen] = self.word[chosen]
        return float(self._ranks(canvas)[0])

    def position_entropies(self) -> FloatArray:
        entropies = np.ones(self.length)
        entropies[self._bound[self._fan_in == 0]] = 0.0
        return entropies

    def erasure_entropies(self) -> FloatArray:
        """A bit is free given all others where no check touches it."""
        touched = np.bitwise_or.reduce(self._checks, axis=0)[None]
        entropies = np.zeros(self.length)
        entropies[self.free] = 1.0 - _unpacked(touched, self.dimension + 1)[0, 1:]
        return entropies

    def log2_mode(self) -> float:
        return 0.0 - self.dimension

    def size_entropies(self) -> FloatArray | None:
        if not self._uniform_matroid:
            return None
        return np.asarray(np.minimum(np.arange(self.length + 1.0), self.dimension))

    def _subset_entropies(self) -> FloatArray:
        ranks = np.empty(1 << self.length)
        subset_ranks_into((1 << np.arange(self.dimension)) @ self.generator, ranks)
        return ranks

    def symmetries(self) -> tuple[Automorphism, ...]:
        """Adding a word of the code, for every word of the basis, and any order if all are alike.

        With any order of the positions, a single word and its rearrangements generate the rest.
        """
        moves = super().symmetries()
        stay, keep, flip = np.arange(self.length), np.arange(2), np.array([1, 0])
        return moves + tuple(
            Automorphism(
                f"add word {j} of the generator",
                stay,
                tuple(flip if bit else keep for bit in self.generator[j].tolist()),
            )
            for j in range(min(self.dimension, 1) if moves else self.dimension)
        )

    def _enumerate(self) -> Table:
        numbers = np.arange(1 << self.dimension, dtype=np.int32)[:, None]
        bits = numbers >> np.arange(self.dimension, dtype=np.int32)[::-1] & 1
        return Table(
            self._words(bits), alphabet_sizes=self.alphabet_sizes, labels=self.labels,
            template=self.template, name=self.name,
        )  # fmt: skip


def linear_code(check: object, *, syndrome: object = None, name: str | None = None) -> LinearCode:
    r"""Uniform over the words that satisfy parity checks: a linear code, or a coset of one.

    .. math:: \{ y \in \{0, 1\}^n : H y = s \pmod 2 \}

    Any set of positions carries as many bits as its columns of a generator matrix have rank, and
    given some revealed bits a position is either determined or a fair coin. Hence, with k the
    dimension of the code and n' the number of positions that are not constant,

    .. math:: H(Y) = k, \qquad \mathrm{TC} = n' - k, \qquad \mathrm{DTC} = k - n''

    where n'' counts the positions that no check touches. A round that decodes positions S after G
    flips a coin for each of them that is not determined, of which only the rank is free, so it
    stays in the code with probability 2 to the minus C(Y_S | Y_G), whatever came before. With
    exact marginals, a fixed ordered partition of L bits (`infodecode.partition_bits`) therefore has

    .. math:: \mathrm{validity} = 2^{-L}, \qquad \mathrm{KL} = L

    exactly: the bound validity >= 2^-KL is an equality, and valid outputs are uniform over the
    code. Two rounds are enough: `LinearCode.free` are independent fair coins, and decide the rest,
    so L*_1 = TC and L*_T = 0 from T = 2 on.

    Args:
        check: ``(r, n)`` parity-check matrix H of zeros and ones, n <= 10,000; its rows may depend
            on each other. r = 0 allows every word.
        syndrome: ``(r,)`` s; zeros by default.
        name: short name for people.

    Raises:
        ValueError: an entry is not 0 or 1, the syndrome does not fit, no word satisfies it (names
            the row), or the matrix is too large.

    Example:
        The [7, 4] Hamming code: its checks are the numbers 1 to 7 in binary.

        >>> import infodecode
        >>> hamming = linear_code([[1, 0, 1, 0, 1, 0, 1],
        ...                        [0, 1, 1, 0, 0, 1, 1],
        ...                        [0, 0, 0, 1, 1, 1, 1]])
        >>> hamming
        <linear_code([7, 4]): 7 positions, 16 outcomes>
        >>> hamming.generator.tolist()[0]
        [1, 0, 0, 0, 0, 1, 1]
        >>> infodecode.total_correlation(hamming), infodecode.dual_total_correlation(hamming)
        (3.0, 4.0)
        >>> infodecode.partition_bits(hamming, [(0, 1, 2, 3), (4, 5, 6)])
        0.0

    Reference: MacWilliams and Sloane 1977, chapter 1.
    """
    return LinearCode(check, syndrome=syndrome, name=name)


def parity(n: int, *, odd: bool = False) -> LinearCode:
    r"""n bits whose sum is even, or odd; uniform over these 2^(n - 1) words.

    Any n - 1 positions are independent fair coins, and decide the last one. For n >= 2

    .. math:: H(Y) = n - 1, \qquad \mathrm{TC} = 1, \qquad \mathrm{DTC} = n - 1

    so that a single bit of total correlation is invisible until the last round. With exact
    marginals, whatever the order, if the last round takes r positions,

    .. math:: \mathrm{validity} = 2^{-1}, \quad \mathrm{KL} = 1 \qquad (r \ge 2)

    Args:
        n: number of positions, 1 to 10,000.
        odd: odd weight instead of even.

    Example:
        >>> import infodecode
        >>> infodecode.information_curve(parity(4)).tolist()
        [0.0, 0.0, 0.0, 1.0]
    """
    size = _validation.integer("n", n, minimum=1, maximum=LARGEST_CODE)
    return LinearCode(
        np.ones((1, size), np.int64),
        syndrome=[int(_validation.flag("odd", odd))],
        name=f"parity({size}, odd=True)" if odd else f"parity({size})",
    )


def _check_matrix(check: object) -> IntArray:
    given = _validation.array("check", check)
    if given.ndim == 2 and not 1 <= given.shape[1] <= LARGEST_CODE:
        raise ValueError(f"check must have 1 to {LARGEST_CODE:,} columns, got {given.shape[1]:,}")
    if given.size > LARGEST_CHECK:
        raise ValueError(
            f"check must have at most {LARGEST_CHECK:,} entries, got shape {given.shape}; rows "
            "that depend on others can be left out"
        )
    return _bits("check", _validation.integer_array("check", given, dimensions=2))


def _syndrome(syndrome: object, rows: int) -> IntArray:
    if syndrome is None:
        return np.zeros(rows, np.uint8)
    given = _validation.integer_array("syndrome", syndrome, dimensions=1)
    if len(given) != rows:
        raise ValueError(
            f"syndrome must have one bit for each of {rows} rows of check, got {len(given)}"
        )
    return _bits("syndrome", given)


def _bits(name: str, given: IntArray) -> IntArray:
    bad = (given != 0) & (given != 1)
    if bad.any():
        where = np.argwhere(bad)[0].tolist()
        raise ValueError(f"{name} must hold 0 and 1, got {given[tuple(where)]} at {where}")
    return given.astype(np.uint8)


def _packed(bits: IntArray) -> Array:
    """Rows ``(r, m)`` of bits as ``(r, ceil(m / 64))`` words, the first bit lowest."""
    words = -(-bits.shape[1] // 64)
    packed = np.zeros((len(bits), 8 * words), np.uint8)
    packed[:, : -(-bits.shape[1] // 8)] = np.packbits(bits, axis=1, bitorder="little")
    return packed.view("<u8").astype(np.uint64)


def _unpacked(words: Array, count: int) -> IntArray:
    octets = np.ascontiguousarray(words.astype("<u8")).view(np.uint8)
    return np.unpackbits(octets, axis=1, count=count, bitorder="little")
