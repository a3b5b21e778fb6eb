"""``python -m proofs``."""

import typer

from proofs.program import main

typer.run(main)
