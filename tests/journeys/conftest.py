"""Every journey is made on both of Genesys' contracts, where it does not say otherwise."""

from __future__ import annotations

import pytest


@pytest.fixture(params=["platform", "events"])
def api(request: pytest.FixtureRequest) -> str:
    return str(request.param)
