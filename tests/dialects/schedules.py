"""Rules by the clock and by memory, as shipped."""

from __future__ import annotations

DECODERS: dict[str, object] = {}
"""Our decoder for a recording, by file."""

MODELS: dict[str, object] = {}
"""Options of the recorded model, by file."""
