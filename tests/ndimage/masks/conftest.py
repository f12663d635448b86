"""One mask of each kind."""

from __future__ import annotations

import pytest
import specimens


@pytest.fixture(params=sorted(specimens.MASKS))
def mask(request):
    return specimens.make_mask(request.param)
