"""Experiments on networks: ``python -m llm train`` and what is measured on the trained model."""
