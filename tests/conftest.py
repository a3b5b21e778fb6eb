"""Hypothesis profiles, and where the recorded steps of other decoders are.

``pytest`` runs the profile "fast"; ``pytest --hypothesis-profile thorough`` digs.
"""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests import recorded

settings.register_profile("fast", max_examples=25, deadline=None, derandomize=True)
settings.register_profile(
    "thorough", max_examples=1000, deadline=None, suppress_health_check=list(HealthCheck)
)
settings.load_profile("fast")


@pytest.fixture(scope="session")
def golden() -> Path:
    """Folder of recorded decodes (`recorded.folder`)."""
    return recorded.folder()
