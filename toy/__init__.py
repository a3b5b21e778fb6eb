"""Experiments on exact toy distributions; ``python -m toy`` runs the first of them."""
