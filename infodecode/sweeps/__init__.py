"""Sweeps: a table of distributions by decoders by seeds, on every core or on a cluster.

A grid is a TOML file (`read_grid`); `run` computes a row for each of its cells. Rows are written
one at a time, so that a sweep that was stopped goes on where it was. See docs/scaling_out.md.
"""

from infodecode.sweeps._cell import Cell as Cell
from infodecode.sweeps._grid import Grid as Grid
from infodecode.sweeps._grid import read_grid as read_grid
from infodecode.sweeps._run import output_of as output_of
from infodecode.sweeps._run import read_table as read_table
from infodecode.sweeps._run import run as run
from infodecode.sweeps._run import unfinished as unfinished
from infodecode.sweeps._workers import WorkersStopped as WorkersStopped
