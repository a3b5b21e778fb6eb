"""Quality against exploration: power laws as targets, and Metropolis–Hastings that reaches them."""

from infodecode.exploration._chain import ExactChain as ExactChain
from infodecode.exploration._samples import SampledChain as SampledChain
from infodecode.exploration.chains import exact_chain as exact_chain
from infodecode.exploration.diagnostics import effective_sample_size as effective_sample_size
from infodecode.exploration.diagnostics import (
    potential_scale_reduction as potential_scale_reduction,
)
from infodecode.exploration.sampled_chains import sample_chain as sample_chain
