"""Every name that the command line understands, with an example and where it comes from."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeAlias, TypeVar

from infodecode import distributions, strategies
from infodecode.cli import readers
from infodecode.cli.readers import flag, integer, number
from infodecode.distributions import Joint
from infodecode.gumbel_model import TruncatedGumbelModel
from infodecode.models import IdealModel, Model, NoisyModel
from infodecode.stale_model import StaleModel
from infodecode.token_rules import (
    ExactPower,
    FromMarginal,
    LocalPower,
    MeanFieldPower,
    MetropolisHastings,
    TokenLaw,
)

T = TypeVar("T")
Readers: TypeAlias = Mapping[str, Callable[[str], object]]


@dataclass(frozen=True)
class Entry(Generic[T]):
    """A name that the command line understands.

    Attributes:
        build: makes the object; called with the parsed values by keyword.
        summary: what it is, in a line.
        example: a full specification that works as it stands.
        parameters: keyword of ``build`` -> reader of its text, in the order in
            which values without a keyword are given.
        paper: where it comes from, and the section or equation; empty if nowhere.
    """

    build: Callable[..., T]
    summary: str
    example: str
    parameters: Readers = field(default_factory=dict)
    paper: str = ""


DISTRIBUTIONS: Mapping[str, Entry[Joint]] = {
    "permutations": Entry(
        distributions.permutations,
        "any order of n items (shuffle)",
        "permutations:6",
        {"n": integer},
        "ParallelBench, eq. 4",
    ),
    "shuffled": Entry(
        distributions.shuffled,
        "any order but the original one",
        "shuffled:5",
        {"n": integer},
        "ParallelBench, 5",
    ),
    "derangements": Entry(
        distributions.derangements,
        "orders with no item at its place",
        "derangements:5",
        {"n": integer},
    ),
    "replace_random": Entry(
        distributions.replace_random,
        "one of n items, any, is replaced",
        "replace_random:6",
        {"n": integer},
        "ParallelBench, eq. 3",
    ),
    "replace_index": Entry(
        distributions.replace_index,
        "item i of n is replaced: certain",
        "replace_index:5,2",
        {"n": integer, "i": integer},
        "ParallelBench, 4.1",
    ),
    "insert_random": Entry(
        distributions.insert_random,
        "a new item, anywhere among n",
        "insert_random:5",
        {"n": integer},
        "ParallelBench, 5",
    ),
    "insert_index": Entry(
        distributions.insert_index,
        "a new one before item i: certain",
        "insert_index:5,2",
        {"n": integer, "i": integer},
        "ParallelBench, 5",
    ),
    "remove_random": Entry(
        distributions.remove_random,
        "one of n items, any, leaves",
        "remove_random:6",
        {"n": integer},
        "ParallelBench, 5",
    ),
    "remove_index": Entry(
        distributions.remove_index,
        "item i of n leaves: certain",
        "remove_index:6,2",
        {"n": integer, "i": integer},
        "ParallelBench, 5",
    ),
    "copy": Entry(
        distributions.copy,
        "n items as they were: certain",
        "copy:5",
        {"n": integer},
        "ParallelBench, 4.1",
    ),
    "reverse": Entry(
        distributions.reverse,
        "n items from the end: certain",
        "reverse:5",
        {"n": integer},
        "ParallelBench, 5",
    ),
    "sort": Entry(
        distributions.sort,
        "n items, sorted: certain; the seed decides how they came",
        "sort:5,seed=1",
        {"n": integer, "seed": integer},
        "ParallelBench, 5",
    ),
    "latin_squares": Entry(
        distributions.latin_squares,
        "n by n Latin squares, n up to 5",
        "latin_squares:3",
        {"n": integer},
        "ParallelBench, 5",
    ),
    "sudoku": Entry(
        distributions.sudoku,
        "4x4 Sudoku given clues; without (sudoku) any of the 288 grids",
        "sudoku:1... ..3. .... 4...",
        {"clues": str},
        "ParallelBench, 5",
    ),
    "parity": Entry(
        distributions.parity,
        "n bits of even sum; odd=true",
        "parity:6",
        {"n": integer, "odd": flag},
    ),
    "linear_code": Entry(
        distributions.linear_code,
        "bits that obey these checks; syndrome=010 for a coset",
        "linear_code:1010101/0110011/0001111",
        {"check": readers.bit_rows, "syndrome": readers.bits},
        "MacWilliams and Sloane 1977",
    ),
    "markov_chain": Entry(
        distributions.markov_chain,
        "each state after the last, by this matrix; initial=1 0, labels=sun rain",
        "markov_chain:0.9 0.1; 0.2 0.8,length=8",
        {
            "transition": readers.matrix,
            "length": integer,
            "initial": readers.vector,
            "labels": readers.labels,
        },
        "Cover and Thomas 2006, 4.2",
    ),
    "hidden_markov": Entry(
        distributions.hidden_markov,
        "tokens of hidden states, by transition and emission matrix",
        "hidden_markov:0.9 0.1; 0.2 0.8,1/2 1/2 0; 0 1/3 2/3,length=6",
        {
            "transition": readers.matrix,
            "emission": readers.matrix,
            "length": integer,
            "initial": readers.vector,
            "labels": readers.labels,
        },
        "Rabiner 1989",
    ),
    "profile_records": Entry(
        distributions.profile_records,
        "n invented students: name, school, age, hobby; seed=1 for others",
        "profile_records:200",
        {"students": integer, "seed": integer},
        "From Bits to Rounds, Example 1",
    ),
    "variable_names": Entry(
        distributions.variable_names,
        "variables of a factorial in code (other snippets: in Python)",
        "variable_names",
        paper="From Bits to Rounds, Example 2",
    ),
    "phrases": Entry(
        distributions.phrases,
        "these phrases, a position a word; weights=3 1, or all alike",
        "phrases:New York/Mexico City",
        {"texts": readers.phrases, "weights": readers.vector},
        "ParallelBench, Fig. 1",
    ),
    "article": Entry(
        distributions.article,
        "a or an, and one of 8 nouns (others: in Python)",
        "article",
        paper="ParallelBench",
    ),
    "words": Entry(
        distributions.words,
        "the most frequent English words of 3 to 8 letters; weighted=true",
        "words:5,most=500",
        {"length": integer, "weighted": flag, "most": integer},
    ),
    "titanic": Entry(
        distributions.titanic,
        "2,201 people aboard the Titanic: class, sex, age and survival",
        "titanic",
        paper="Dawson 1995",
    ),
}

COMBINATIONS: Mapping[str, Entry[Joint]] = {
    "A + B": Entry(
        distributions.concatenate,
        "independent laws side by side",
        "replace_random:3 + permutations:3",
    ),
    "1/2 * A | 1/2 * B": Entry(
        distributions.mixture,
        "one of the laws; weights are integers, or add up to 1",
        "1/4 * copy:5 | 3/4 * reverse:5",
    ),
}
"""How laws are put together: `infodecode.cli.parsing.parse_law` reads these."""

STRATEGIES: Mapping[str, Entry[strategies.Strategy]] = {
    "top_k": Entry(
        strategies.TopK,
        "k a round, or 3-2-1 in turn; by random, confidence, margin, entropy, left_to_right",
        "top_k:2,by=confidence",
        {"k": readers.sizes, "by": str},
        "ParallelBench, 4.2.1; LLaDA",
    ),
    "one_by_one": Entry(
        strategies.OneByOne,
        "one position a round",
        "one_by_one:by=entropy",
        {"by": str},
        "ParallelBench, 4.2.1",
    ),
    "threshold": Entry(
        strategies.Threshold,
        "confidence above gamma; inclusive=true, at_least=2, fallback=2",
        "threshold:0.9",
        {"gamma": number, "inclusive": flag, "at_least": integer, "fallback": integer},
        "ParallelBench, 4.2.2; Fast-dLLM",
    ),
    "factor": Entry(
        strategies.Factor,
        "most m with (m+1)(1 - m-th confidence) < factor; as_shipped=true",
        "factor:0.5",
        {"factor": number, "as_shipped": flag},
        "Fast-dLLM, 3.3",
    ),
    "entropy_bounded": Entry(
        strategies.EntropyBounded,
        "most positions whose entropies, less the largest, add up to gamma bits at most; "
        "by entropy, confidence, margin",
        "entropy_bounded:0.5,by=confidence",
        {"gamma": number, "by": str},
        "EB-Sampler (Ben-Hamu et al. 2025)",
    ),
    "entropy_budget": Entry(
        strategies.EntropyBudget,
        "eta over the mean entropy of what is masked, at random",
        "entropy_budget:1",
        {"eta": number},
        "Cai and Li 2026",
    ),
    "fixed_partition": Entry(
        strategies.FixedPartition,
        "these positions, a round a block",
        "fixed_partition:0-1/2-3",
        {"blocks": readers.blocks},
        "ParallelBench, Theorem 1",
    ),
    "quota": Entry(
        strategies.Quota,
        "the masks of a block in so many rounds, evenly; by as in top_k; as_shipped=true",
        "quota:3,by=confidence",
        {"steps": integer, "by": str, "as_shipped": flag},
        "LLaDA",
    ),
    "dream": Entry(
        strategies.DreamSchedule,
        "masks times 1 - t'/t a round, t from 1 to eps; by origin or as in top_k",
        "dream:4,by=entropy",
        {"steps": integer, "by": str, "eps": number, "as_shipped": flag},
        "Dream 7B",
    ),
    "dream_threshold": Entry(
        strategies.DreamThreshold,
        "confidence from threshold on, in a window that the quota opens",
        "dream_threshold:2,0.9",
        {"steps": integer, "threshold": number},
        "Fast-dLLM",
    ),
    "pc_sampler": Entry(
        strategies.PCSampler,
        "quota by exp(-decay * place) * confidence (token frequencies: in Python)",
        "pc_sampler:2,decay=0.25",
        {"steps": integer, "decay": number, "clip": number, "as_shipped": flag},
        "PC-Sampler (Huang et al. 2025)",
    ),
    "dilated": Entry(
        strategies.Dilated,
        "every (B / base^t)-th position in round t; skip=0.3 defers unsure ones",
        "dilated:2",
        {"base": integer, "skip": number, "as_shipped": flag},
        "DUS (Luxembourg et al. 2025)",
    ),
    "klass": Entry(
        strategies.KLASS,
        "confident, and moved less than divergence bits in each of the last history rounds; "
        "unmask all, max_conf, min_kl",
        "klass:0.9,0.0144,history=2",
        {
            "confidence": number,
            "divergence": number,
            "history": integer,
            "unmask": str,
            "steps": integer,
        },
        "KLASS (Kim et al. 2025)",
    ),
    "ete": Entry(
        strategies.ETE,
        "what is sure, one position of every stuck block, and the most promising guess; beam=0, "
        "implicit=false, follow=false, commit=drawn",
        "ete:0.9,commit=drawn",
        {
            "gamma": number,
            "beam": integer,
            "trigger": number,
            "least_masked": integer,
            "level": number,
            "later_bonus": number,
            "weight": number,
            "implicit": flag,
            "follow": flag,
            "commit": str,
        },
        "From Bits to Rounds, 4",
    ),
    "look_ahead": Entry(
        strategies.LookAhead,
        "the tried position that leaves the least entropy; commit=tried, again=true",
        "look_ahead:8,cost=0",
        {
            "candidates": integer,
            "by": str,
            "cost": number,
            "average": flag,
            "threshold": number,
            "commit": str,
            "again": flag,
        },
        "Info-Gain (Yang et al. 2026); LookUM",
    ),
    "slow_fast": Entry(
        strategies.SlowFast,
        "explore a block until its sure part stops growing, then fill that part; as_shipped=true",
        "slow_fast:8,high_threshold=0.8",
        {
            "block_length": integer,
            "exploration_steps": integer,
            "cycle_threshold": number,
            "window": integer,
            "deviation": number,
            "high_threshold": number,
            "prefix_only": flag,
            "as_shipped": flag,
        },
        "Wei et al. 2025",
    ),
    "block_refinement": Entry(
        strategies.BlockRefinement,
        "confident positions or the quota's best in blocks, then edits; as_shipped=true",
        "block_refinement:4,2,0.7,0.5",
        {
            "block_length": integer,
            "steps": integer,
            "threshold": number,
            "editing_threshold": number,
            "max_post_steps": integer,
            "as_shipped": flag,
        },
        "diffusers 0.42.1; LLaDA2.1",
    ),
    "ancestral": Entry(
        strategies.Ancestral,
        "each position unmasks by the clock, on its own; linear, cosine, sine",
        "ancestral:8,schedule=cosine",
        {"steps": integer, "schedule": str},
        "MDLM (Sahoo et al. 2024)",
    ),
    "first_hitting": Entry(
        strategies.FirstHitting,
        "one uniformly random position a call",
        "first_hitting",
        paper="Zheng et al. 2024",
    ),
    "remdm": Entry(
        strategies.ReMDM,
        "fills and masks again by chance; cap, rescale, conf, loop, forward_backward",
        "remdm:8,variant=rescale,eta=0.5",
        {
            "steps": integer,
            "variant": str,
            "eta": number,
            "t_on": number,
            "t_off": number,
            "alpha_on": number,
            "as_shipped": flag,
        },
        "ReMDM (Wang et al. 2025)",
    ),
    "remdm_llada": Entry(
        strategies.ReMDMLLaDA,
        "quotas, and extra rounds that redo the least confident",
        "remdm_llada:4,2,1",
        {"steps": integer, "remdm_steps": integer, "remdm_number": integer},
        "ReMDM (Wang et al. 2025)",
    ),
    "rcr": Entry(
        strategies.RCR,
        "fills all, masks the least running confidence again; linear, cosine",
        "rcr:4,schedule=cosine",
        {"steps": integer, "schedule": str, "as_shipped": flag},
        "MDPO (He et al. 2025)",
    ),
    "p2": Entry(
        strategies.P2,
        "ranks masked and visible together; eta, kappa, score",
        "p2:8,eta=2",
        {"steps": integer, "eta": number, "kappa": str, "score": str, "as_shipped": flag},
        "Path Planning (Peng et al. 2025)",
    ),
    "wino": Entry(
        strategies.WINO,
        "drafts above one threshold, takes back below another; limited=false",
        "wino:0.6,0.9",
        {"threshold": number, "threshold_back": number, "limited": flag},
        "WINO (Hong et al. 2025)",
    ),
}


def _as_it_is(model: IdealModel) -> IdealModel:
    return model


MODELS: Mapping[str, Entry[Model]] = {
    "ideal": Entry(
        _as_it_is,
        "exact conditional marginals",
        "ideal",
        paper="ParallelBench, 4",
    ),
    "noisy": Entry(
        NoisyModel,
        "the ideal one, with Gaussian noise of this scale on every logit",
        "noisy:0.5,seed=1",
        {"scale": number, "seed": integer},
        "ParallelBench, 4.2",
    ),
    "stale": Entry(
        StaleModel,
        "marginals of the last refresh, as caches give them; cache=dual, block_length=2",
        "stale:2",
        {"refresh": integer, "cache": str, "block_length": integer},
        "Fast-dLLM, 3.2",
    ),
    "truncated_gumbel": Entry(
        TruncatedGumbelModel,
        "tokens drawn with Gumbel noise of so many bits",
        "truncated_gumbel:8",
        {"bits": integer},
        "Zheng et al. 2024",
    ),
}
"""Each is built from the law's ideal model, passed as ``model``."""

BLOCK_POLICIES: Mapping[str, Entry[strategies.BlockPolicy]] = {
    "whole_canvas": Entry(strategies.WholeCanvas, "every masked position is open", "whole_canvas"),
    "left_to_right": Entry(
        strategies.LeftToRight,
        "blocks of this many positions, each open until it is full",
        "left_to_right:4",
        {"block_length": integer},
        "Fast-dLLM",
    ),
    "clocked": Entry(
        strategies.Clocked,
        "such blocks, each open for so many rounds",
        "clocked:4,2",
        {"block_length": integer, "rounds": integer},
        "LLaDA",
    ),
    "unlocking": Entry(
        strategies.Unlocking,
        "the same, but earlier blocks stay open; eager=false waits for the clock",
        "unlocking:4,2",
        {"block_length": integer, "rounds": integer, "eager": flag},
        "From Bits to Rounds, 4.2",
    ),
}

TOKEN_RULES: Mapping[str, Entry[TokenLaw]] = {
    "from_marginal": Entry(FromMarginal, "the model's marginal", "from_marginal"),
    "local_power": Entry(
        LocalPower,
        "the marginal to the power alpha",
        "local_power:4",
        {"alpha": number},
        "Karan and Du 2025",
    ),
    "exact_power": Entry(
        ExactPower,
        "that, times the powers of every future: the power law's own tokens",
        "exact_power:4",
        {"alpha": number},
        "Locally Confident, Globally Stuck",
    ),
    "mean_field_power": Entry(
        MeanFieldPower,
        "that, times the futures as if their positions were independent",
        "mean_field_power:4",
        {"alpha": number},
        "Locally Confident, Globally Stuck",
    ),
    "metropolis_hastings": Entry(
        MetropolisHastings,
        "proposals from local_power, accepted by their futures; weight=exact, joint=false, "
        "bracket=false",
        "metropolis_hastings:4,proposals=8,steps=2",
        {
            "alpha": number,
            "proposals": integer,
            "steps": integer,
            "weight": str,
            "joint": flag,
            "bracket": flag,
        },
        "Locally Confident, Globally Stuck",
    ),
}

GROUPS: Mapping[str, Mapping[str, Entry[Any]]] = {
    "distributions": {**DISTRIBUTIONS, **COMBINATIONS},
    "strategies": STRATEGIES,
    "models": MODELS,
    "blocks": BLOCK_POLICIES,
    "tokens": TOKEN_RULES,
}
"""What ``infodecode list`` shows."""
