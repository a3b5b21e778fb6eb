"""Experiments on exact toy distributions; ``python -m toy`` runs every study."""
