"""Best ordered partitions beyond 18 positions: see `partition_bracket`."""

from infodecode.partition_bracket._bracket import BRACKET_LENGTH as BRACKET_LENGTH
from infodecode.partition_bracket._bracket import PartitionBracket as PartitionBracket
from infodecode.partition_bracket._bracket import partition_bracket as partition_bracket
from infodecode.partition_bracket._problem import EVALUATIONS as EVALUATIONS
from infodecode.partition_bracket._search import SLACK as SLACK
