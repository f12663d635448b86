"""One operator of each kind."""

from __future__ import annotations

import pytest
import specimens


@pytest.fixture(params=sorted(specimens.OPERATORS))
def operator(request):
    return specimens.OPERATORS[request.param]
