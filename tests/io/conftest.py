"""Files of cryoSPARC."""

from __future__ import annotations

import numpy as np
import pytest
from cryosparc import PARTICLES

from numbavol.io import write_cs


@pytest.fixture
def cs_path(tmp_path):
    return tmp_path / "particles.cs"


@pytest.fixture
def records(cs_path):
    write_cs(cs_path, PARTICLES, cs_path.with_name("stack.mrcs"))
    return np.load(cs_path)
