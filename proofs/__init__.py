"""A verdict for every claim of the three papers: ``python -m proofs``."""
