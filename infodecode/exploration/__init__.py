"""Quality against exploration: power laws as targets, and Metropolis–Hastings that reaches them."""

from infodecode.exploration._chain import ExactChain as ExactChain
from infodecode.exploration._samples import SampledChain as SampledChain
from infodecode.exploration.caps import EntropyCap as EntropyCap
from infodecode.exploration.caps import entropy_cap as entropy_cap
from infodecode.exploration.caps import gate_bits as gate_bits
from infodecode.exploration.chains import exact_chain as exact_chain
from infodecode.exploration.diagnostics import effective_sample_size as effective_sample_size
from infodecode.exploration.diagnostics import (
    potential_scale_reduction as potential_scale_reduction,
)
from infodecode.exploration.pass_at_k import chain_pass as chain_pass
from infodecode.exploration.pass_at_k import pass_at_k as pass_at_k
from infodecode.exploration.pass_at_k import pass_at_k_estimate as pass_at_k_estimate
from infodecode.exploration.reasoning import Problem as Problem
from infodecode.exploration.reasoning import sum_problem as sum_problem
from infodecode.exploration.reasoning import trap_problems as trap_problems
from infodecode.exploration.sampled_chains import sample_chain as sample_chain
