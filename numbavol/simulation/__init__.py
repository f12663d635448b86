"""Stacks of simulated particles, whole or in shards.

- ``config``: `SimulationConfig`, every choice with its unit, default and range.
- ``config_reading``: `read_simulation_config`, from a TOML file.
"""

from numbavol.simulation.config import (
    DefocusConfig,
    DetectorConfig,
    MicroscopeConfig,
    NoiseConfig,
    PoseConfig,
    SimulationConfig,
    SolventConfig,
    VolumeConfig,
)
from numbavol.simulation.config_reading import read_simulation_config

__all__ = [
    "DefocusConfig",
    "DetectorConfig",
    "MicroscopeConfig",
    "NoiseConfig",
    "PoseConfig",
    "SimulationConfig",
    "SolventConfig",
    "VolumeConfig",
    "read_simulation_config",
]
