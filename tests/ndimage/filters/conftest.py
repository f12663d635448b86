"""One filter of each kind."""

from __future__ import annotations

import pytest
import specimens


@pytest.fixture(params=specimens.FILTER_KINDS)
def filter_(request):
    return specimens.make_filters((5, 6))[request.param]
