"""What several test files share."""

from __future__ import annotations

import pytest

from tests.command import Hangup


@pytest.fixture(scope="session")
def hangup(tmp_path_factory: pytest.TempPathFactory) -> Hangup:
    """The command, away from the home of whoever runs the tests."""
    return Hangup(home=tmp_path_factory.mktemp("home"))
