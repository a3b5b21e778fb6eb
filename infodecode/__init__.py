"""Exact theory and simulation of parallel decoding in masked diffusion language models.

Laws are in `distributions`, unmasking rules in `strategies`. `bounds` (report.py) says what no
decoder can beat; a `Decoder` runs exactly (`exact`), on samples (`simulate`), or a few sequences at
a time with everything kept (`decode`, in trace.py). Everything is in bits.
"""

from __future__ import annotations

from infodecode import distributions as distributions
from infodecode import strategies as strategies
from infodecode import token_rules as token_rules
from infodecode._compilation import announce as _announce_compilation
from infodecode.adaptive import OptimalPolicies as OptimalPolicies
from infodecode.adaptive import PricedOptimum as PricedOptimum
from infodecode.adaptive import adaptive_optimum as adaptive_optimum
from infodecode.adaptive import price_curve as price_curve
from infodecode.adaptive import rounds_at_price as rounds_at_price
from infodecode.biases import MarginalChange as MarginalChange
from infodecode.biases import SelectionBias as SelectionBias
from infodecode.biases import marginal_change as marginal_change
from infodecode.biases import selection_bias as selection_bias
from infodecode.curve_estimates import CurveEstimate as CurveEstimate
from infodecode.curve_estimates import (
    information_curve_estimate as information_curve_estimate,
)
from infodecode.curve_estimates import random_order_estimate as random_order_estimate
from infodecode.data_path import DataPath as DataPath
from infodecode.data_path import DataPathEstimate as DataPathEstimate
from infodecode.data_path import data_path as data_path
from infodecode.data_path import data_path_estimate as data_path_estimate
from infodecode.decoder import Decoder as Decoder
from infodecode.estimate import Estimate as Estimate
from infodecode.exact import ExactRun as ExactRun
from infodecode.exact import exact as exact
from infodecode.exact_ledger import ExactLedger as ExactLedger
from infodecode.exact_ledger import exact_ledger as exact_ledger
from infodecode.floors import validity_floor as validity_floor
from infodecode.floors import variation_ceiling as variation_ceiling
from infodecode.frontier import Frontier as Frontier
from infodecode.frontier import frontier as frontier
from infodecode.frontier import oracle_threshold as oracle_threshold
from infodecode.guided_model import GuidedModel as GuidedModel
from infodecode.gumbel_model import TruncatedGumbelModel as TruncatedGumbelModel
from infodecode.gumbel_model import truncated_gumbel_law as truncated_gumbel_law
from infodecode.information import (
    dual_total_correlation as dual_total_correlation,
)
from infodecode.information import entropy as entropy
from infodecode.information import information_curve as information_curve
from infodecode.information import kl_divergence as kl_divergence
from infodecode.information import mutual_information as mutual_information
from infodecode.information import renyi_entropy as renyi_entropy
from infodecode.information import subset_entropies as subset_entropies
from infodecode.information import total_correlation as total_correlation
from infodecode.information import total_variation as total_variation
from infodecode.ledger import Ledger as Ledger
from infodecode.ledger import corrected_bound as corrected_bound
from infodecode.masked_lm import load_masked_lm as load_masked_lm
from infodecode.models import IdealModel as IdealModel
from infodecode.models import NoisyModel as NoisyModel
from infodecode.partition_bracket import PartitionBracket as PartitionBracket
from infodecode.partition_bracket import partition_bracket as partition_bracket
from infodecode.partitions import optimal_partitions as optimal_partitions
from infodecode.partitions import partition_bits as partition_bits
from infodecode.proved_schedules import Schedule as Schedule
from infodecode.proved_schedules import dtc_schedule as dtc_schedule
from infodecode.proved_schedules import equal_schedule as equal_schedule
from infodecode.proved_schedules import order_mixture as order_mixture
from infodecode.proved_schedules import profile_schedule as profile_schedule
from infodecode.proved_schedules import tc_schedule as tc_schedule
from infodecode.prover import Proof as Proof
from infodecode.prover import prove as prove
from infodecode.regret import Regret as Regret
from infodecode.regret import regret as regret
from infodecode.report import Bounds as Bounds
from infodecode.report import bounds as bounds
from infodecode.rounds import RoundsBound as RoundsBound
from infodecode.rounds import min_rounds as min_rounds
from infodecode.rounds import rounds_curve as rounds_curve
from infodecode.schedules import even_sizes as even_sizes
from infodecode.schedules import optimal_random_order as optimal_random_order
from infodecode.schedules import random_order_bits as random_order_bits
from infodecode.sequence_scores import SequenceScores as SequenceScores
from infodecode.sequence_scores import sequence_scores as sequence_scores
from infodecode.simulate import Simulation as Simulation
from infodecode.simulate import simulate as simulate
from infodecode.stale_model import StaleModel as StaleModel
from infodecode.trace import Trace as Trace
from infodecode.trace import decode as decode

_announce_compilation()

__version__ = "0.1.0"
