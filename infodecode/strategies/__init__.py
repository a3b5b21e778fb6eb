"""Unmasking strategies, one file each, and block policies."""

from __future__ import annotations

from infodecode.strategies._base import Candidates as Candidates
from infodecode.strategies._base import Independent as Independent
from infodecode.strategies._base import Plan as Plan
from infodecode.strategies._base import Ranked as Ranked
from infodecode.strategies._base import Strategy as Strategy
from infodecode.strategies.adaptive_optimum import AdaptiveOptimum as AdaptiveOptimum
from infodecode.strategies.ancestral import Ancestral as Ancestral
from infodecode.strategies.block_refinement import BlockRefinement as BlockRefinement
from infodecode.strategies.blocks import BlockPolicy as BlockPolicy
from infodecode.strategies.blocks import Clocked as Clocked
from infodecode.strategies.blocks import LeftToRight as LeftToRight
from infodecode.strategies.blocks import Unlocking as Unlocking
from infodecode.strategies.blocks import WholeCanvas as WholeCanvas
from infodecode.strategies.dilated import Dilated as Dilated
from infodecode.strategies.dream import DreamSchedule as DreamSchedule
from infodecode.strategies.dream import DreamThreshold as DreamThreshold
from infodecode.strategies.entropy_bounded import EntropyBounded as EntropyBounded
from infodecode.strategies.entropy_budget import EntropyBudget as EntropyBudget
from infodecode.strategies.ete import ETE as ETE
from infodecode.strategies.factor import Factor as Factor
from infodecode.strategies.first_hitting import FirstHitting as FirstHitting
from infodecode.strategies.first_hitting import expected_hitting_times as expected_hitting_times
from infodecode.strategies.fixed_partition import FixedPartition as FixedPartition
from infodecode.strategies.klass import KLASS as KLASS
from infodecode.strategies.look_ahead import LookAhead as LookAhead
from infodecode.strategies.p2 import P2 as P2
from infodecode.strategies.pc_sampler import PCSampler as PCSampler
from infodecode.strategies.pc_sampler import corpus_frequencies as corpus_frequencies
from infodecode.strategies.quota import Quota as Quota
from infodecode.strategies.rcr import RCR as RCR
from infodecode.strategies.remdm import ReMDM as ReMDM
from infodecode.strategies.remdm_llada import ReMDMLLaDA as ReMDMLLaDA
from infodecode.strategies.slow_fast import SlowFast as SlowFast
from infodecode.strategies.threshold import Threshold as Threshold
from infodecode.strategies.top_k import OneByOne as OneByOne
from infodecode.strategies.top_k import TopK as TopK
from infodecode.strategies.wino import WINO as WINO
