"""Stacks of simulated particles, whole or in shards.

- ``simulate``: `simulate`, to arrays, a stream of batches, or stacks on disk.
- ``config``: `SimulationConfig`, every choice with its unit, default and range.
- ``tables``: its groups of choices.
- ``choices``: how choices are checked.
- ``effects``: which choices do nothing beside others.
- ``config_reading``: `read_simulation_config`, from a TOML file.
- ``files``: the files that a simulation reads.
- ``volumes``: models and maps, with what is around them.
- ``particles``: what is drawn for each particle.
- ``images``: particles to images.
- ``output``: which files are written, and which of them are there.
- ``shards``: stacks that are written whole or not at all.
- ``zarr_output``: Zarr groups for training loops.
- ``zarr_columns``: what these have besides images.
- ``clusters``: shards as tasks of a Dask cluster.
"""

from numbavol.simulation.choices import SimulationWarning
from numbavol.simulation.config import SimulationConfig
from numbavol.simulation.config_reading import read_simulation_config
from numbavol.simulation.simulate import SimulatedParticles, simulate
from numbavol.simulation.tables import (
    DefocusConfig,
    DetectorConfig,
    DoseWeightingConfig,
    MicroscopeConfig,
    NoiseConfig,
    PoseConfig,
    SolventConfig,
    VolumeConfig,
)

__all__ = [
    "DefocusConfig",
    "DetectorConfig",
    "DoseWeightingConfig",
    "MicroscopeConfig",
    "NoiseConfig",
    "PoseConfig",
    "SimulatedParticles",
    "SimulationConfig",
    "SimulationWarning",
    "SolventConfig",
    "VolumeConfig",
    "read_simulation_config",
    "simulate",
]
