"""Hypothesis profiles, and where the recorded steps of other decoders are.

``pytest`` runs the profile "fast"; ``pytest --hypothesis-profile thorough`` digs.
"""

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile("fast", max_examples=25, deadline=None, derandomize=True)
settings.register_profile(
    "thorough", max_examples=1000, deadline=None, suppress_health_check=list(HealthCheck)
)
settings.load_profile("fast")


@pytest.fixture(scope="session")
def golden() -> Path:
    """Folder of recorded decodes: $INFODECODE_GOLDEN, or ../shared/golden beside the checkout."""
    beside = Path(__file__).parents[2] / "shared" / "golden"
    folder = Path(os.environ.get("INFODECODE_GOLDEN", beside))
    if not folder.is_dir():
        pytest.skip(f"no recorded decodes in {folder}")
    return folder
