"""What tests of kernels share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from numbavol.kernels.threads import ENVIRONMENT_VARIABLE, set_num_threads

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def default_threads(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """As many threads as there are without a word; afterwards, too."""
    monkeypatch.delenv(ENVIRONMENT_VARIABLE, raising=False)
    yield
    set_num_threads(None)
