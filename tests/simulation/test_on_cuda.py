"""Simulations on CUDA, a card or Numba's simulator of one, against those of the CPU."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

import numbavol
from numbavol.data import enterotoxin
from numbavol.kernels.finding import describe_what_is_missing
from numbavol.simulation import (
    DetectorConfig,
    NoiseConfig,
    SimulationConfig,
    SolventConfig,
    VolumeConfig,
)

MISSING = describe_what_is_missing()
pytestmark = [
    pytest.mark.cuda,
    pytest.mark.skipif(MISSING is not None, reason=MISSING or ""),
    pytest.mark.filterwarnings("ignore:atoms without hydrogens:numbavol.StructureWarning"),
]

CONFIG = SimulationConfig(
    3, 8, 4.0,
    volume=(VolumeConfig(str(enterotoxin()), select="//A/10"),), noise=NoiseConfig(variance=1.0),
)  # fmt: skip


@pytest.mark.parametrize(
    "changes",
    [
        {"method": "linear"},
        {"method": "gaussian"},
        {"solvent": SolventConfig("bulk", ice_thickness=100.0)},
        {"contrast": "weak_phase", "noise": NoiseConfig(), "detector": DetectorConfig(dose=30.0)},
    ],
    ids=["linear", "gaussian", "ice", "counts"],
)
def test_a_particle_is_the_same_on_every_device(changes):
    config = dataclasses.replace(CONFIG, **changes)
    expected = numbavol.simulate(config)
    made = numbavol.simulate(config, device="cuda")
    np.testing.assert_allclose(made.images, expected.images, rtol=0, atol=2e-6)
    np.testing.assert_array_equal(made.particles.rot, expected.particles.rot)
