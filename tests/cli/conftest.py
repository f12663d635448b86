"""A map to project."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

import numbavol

if TYPE_CHECKING:
    from pathlib import Path

SIDE, PIXEL_SIZE = 24, 1.5


@pytest.fixture
def map_file(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    volume = numbavol.GaussianMixtureVolume(rng.normal(scale=4, size=(20, 3)), 10.0, 3.0)
    render_fn = numbavol.GaussianMixtureRenderFn((SIDE,) * 3, PIXEL_SIZE)
    path = tmp_path / "map.mrc"
    numbavol.write_map(path, render_fn(volume), PIXEL_SIZE)
    return path
