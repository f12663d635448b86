"""`simulate`: particles of a configuration to arrays, a stream of batches, or stacks on disk."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, overload

import numpy as np

from numbavol.arguments import check_fits_in_memory
from numbavol.kernels.dispatch import check_device
from numbavol.progress import progress_bar
from numbavol.simulation.clusters import check_device_of_cluster
from numbavol.simulation.config import SimulationConfig
from numbavol.simulation.config_reading import read_simulation_config
from numbavol.simulation.images import Simulator
from numbavol.simulation.output import Output

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator, Sequence

    from distributed import Client
    from numpy.typing import NDArray

    from numbavol.io import ParticleTable
    from numbavol.simulation.volumes import Volume

BATCH_SIZE = 256


class SimulatedParticles(NamedTuple):
    """Images, and what is known of each.

    Attributes
    ----------
    images
        ``(n, y, x)``, float32, in the unit that `ImageFormation` says.
    particles
        Their poses, transfer functions and all else.

    Examples
    --------
    >>> import numbavol
    >>> from numbavol.simulation import SimulationConfig, VolumeConfig
    >>> volume = VolumeConfig(str(numbavol.data.enterotoxin()))
    >>> simulated = numbavol.simulate(SimulationConfig(2, 32, 4.0, volume=(volume,)))
    >>> simulated.images.shape, len(simulated.particles)
    ((2, 32, 32), 2)
    """

    images: NDArray[np.floating[Any]]
    particles: ParticleTable


@overload
def simulate(
    config: SimulationConfig | str | os.PathLike[str],
    output: None = None,
    *,
    volumes: Sequence[Volume] | None = None,
    stream: Literal[False] = False,
    numbers: slice | Sequence[int] | NDArray[np.integer[Any]] | None = None,
    device: str = "cpu",
    progress: bool = False,
) -> SimulatedParticles: ...


@overload
def simulate(
    config: SimulationConfig | str | os.PathLike[str],
    output: None = None,
    *,
    volumes: Sequence[Volume] | None = None,
    stream: Literal[True],
    numbers: slice | Sequence[int] | NDArray[np.integer[Any]] | None = None,
    batch_size: int = BATCH_SIZE,
    device: str = "cpu",
) -> Iterator[SimulatedParticles]: ...


@overload
def simulate(
    config: SimulationConfig | str | os.PathLike[str],
    output: str | os.PathLike[str],
    *,
    shards: int = 1,
    cs: bool = False,
    dask: str | Client | None = None,
    device: str = "cpu",
    overwrite: bool = False,
    progress: bool = False,
) -> ParticleTable: ...


def simulate(
    config: SimulationConfig | str | os.PathLike[str],
    output: str | os.PathLike[str] | None = None,
    *,
    volumes: Sequence[Volume] | None = None,
    stream: bool = False,
    numbers: slice | Sequence[int] | NDArray[np.integer[Any]] | None = None,
    batch_size: int = BATCH_SIZE,
    shards: int = 1,
    cs: bool = False,
    dask: str | Client | None = None,
    device: str = "cpu",
    overwrite: bool = False,
    progress: bool = False,
) -> SimulatedParticles | Iterator[SimulatedParticles] | ParticleTable:
    """Simulate particles: volumes, poses, transfer functions, solvent and noise.

    Everything random of a particle belongs to the seed and its number: any subset, order, number
    of threads or of shards makes the same particle.

    Parameters
    ----------
    config
        The simulation, or a TOML file of it.
    output
        The stack to write, ``.mrcs``; a STAR file of the same stem is written beside it. Or a Zarr
        group, ``.zarr``, which holds the images and all that is known of them. By default images
        are returned.
    volumes
        A list of maps ``(z, y, x)`` of the configuration's pixel size, or of volumes of one class,
        which are imaged as their class is: in place of the configuration's, and drawn equally
        often. Only of images that are returned.
    stream
        Return batches one after another, as they are asked for.
    numbers
        Which particles are returned: a slice, or ``(n,)`` numbers from 0 on; all by default.
    batch_size
        Images of a batch of a stream.
    shards
        Stacks that the particles are shared among, each with a number after the stem of `output`.
        A stack that this simulation has written already is left as it is, and one that an
        interrupted run left is gone on with. A Zarr group is one, whose chunks are shared.
    cs
        Write a ``.cs`` file of cryoSPARC as well.
    dask
        Write shards on the workers of a Dask cluster: ``"local"`` for one of a process a thread,
        the address of a scheduler, or a ``distributed.Client`` of it. Workers read and write the
        files themselves, by their names.
    device
        ``"cpu"``, ``"cuda"``, or ``"auto"`` for the second where it can be used.
    overwrite
        Whether to replace files of something else.
    progress
        Show how far the work is, where errors go to a terminal.

    Returns
    -------
    SimulatedParticles
        Images ``(n, y, x)`` and their particles; an iterator of such batches with `stream`. With an
        output, the particles alone. Images are in inverse angstroms, relative changes of the
        intensity without a unit, or electrons a pixel, see `ImageFormation`.

    Raises
    ------
    FileExistsError
        If a file of something else has the name of one that is to be written.
    MemoryError
        If images that are to be returned do not fit into the free memory.
    ModuleNotFoundError
        If Dask or Zarr is needed, and not installed.
    OSError, ValueError
        If a file cannot be read or written, or choices are not as described.
    TypeError
        If volumes are something else.

    Examples
    --------
    >>> import numbavol
    >>> from numbavol.simulation import NoiseConfig, SimulationConfig, VolumeConfig
    >>> config = SimulationConfig(
    ...     3, 48, 4.0, volume=(VolumeConfig(str(numbavol.data.enterotoxin())),),
    ...     noise=NoiseConfig(snr=0.1), seed=1,
    ... )
    >>> images, particles = numbavol.simulate(config)
    >>> images.shape, particles
    ((3, 48, 48), ParticleTable(3 particles, pixel_size=4.0, ...))
    """
    if not isinstance(config, SimulationConfig):
        config = read_simulation_config(config)
    where = check_device(device) if dask is None else check_device_of_cluster(device, dask)
    if output is not None:
        if stream or numbers is not None or volumes is not None:
            msg = "output: expected None with stream, numbers or volumes, which return images"
            raise ValueError(msg)
        written = Output.plan(config, Path(output), shards, where, cs=cs, overwrite=overwrite)
        # The workers of a cluster prepare what they need.
        simulator = Simulator.prepare(config, where if dask is None else "cpu")
        with progress_bar("simulating", is_wanted=progress) as report:
            written.write(simulator, dask=dask, report=report)
        return written.take_table(simulator)
    if shards != 1 or cs or dask is not None or overwrite:
        msg = "output: expected a name with shards, cs, dask or overwrite, got None"
        raise ValueError(msg)
    chosen = _choose(config.number, numbers)
    if stream:
        if batch_size < 1:
            msg = f"batch_size: expected a number above 0, got {batch_size!r}"
            raise ValueError(msg)
        return _stream(Simulator.prepare(config, where, volumes), chosen, batch_size)
    what = f"images of shape {(len(chosen), config.box, config.box)}"
    check_fits_in_memory("config", what, 4 * len(chosen) * config.box**2)
    simulator = Simulator.prepare(config, where, volumes)
    with progress_bar("simulating", is_wanted=progress) as report:
        return _make(simulator, chosen, report)


def _choose(
    n: int, numbers: slice | Sequence[int] | NDArray[np.integer[Any]] | None
) -> NDArray[np.int64]:
    """Return the numbers of the particles that are to be made."""
    if numbers is None or isinstance(numbers, slice):
        chosen = np.arange(n)[numbers or slice(None)]
        is_right = chosen.size > 0
    else:
        chosen = np.asarray(numbers)
        is_right = chosen.ndim == 1 and chosen.size > 0 and chosen.dtype.kind in "iu"
        is_right = is_right and bool(chosen.min() >= 0 and chosen.max() < n)
    if not is_right:
        msg = f"numbers: expected a slice or numbers of some of {n} particles, got {numbers}"
        raise ValueError(msg)
    return chosen.astype(np.int64)


def _make(
    simulator: Simulator, numbers: NDArray[np.int64], report: Any = None
) -> SimulatedParticles:
    config = simulator.config
    particles = simulator.source.take(numbers)
    images = np.empty((len(numbers), config.box, config.box), np.float32)
    simulator.image(particles, images, report=report)
    return SimulatedParticles(images, particles.to_table(config))


def _stream(
    simulator: Simulator, numbers: NDArray[np.int64], batch_size: int
) -> Iterator[SimulatedParticles]:
    for start in range(0, len(numbers), batch_size):
        yield _make(simulator, numbers[start : start + batch_size])
