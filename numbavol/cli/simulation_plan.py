"""What ``numbavol simulate`` is about to do, in lines."""

from __future__ import annotations

import dataclasses
import math
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from numbavol.cli.output import Report, plural
from numbavol.cli.particles import warn_of_far_offsets, warn_of_odd_side
from numbavol.io.partial_stack import HEADER_BYTES
from numbavol.notebooks import describe_bytes
from numbavol.simulation.config import LARGEST_PAD_SCALE
from numbavol.simulation.output import ROWS_AT_A_TIME, write_table
from numbavol.simulation.shards import find_others

if TYPE_CHECKING:
    from numbavol.simulation import SimulationConfig
    from numbavol.simulation.images import Simulator
    from numbavol.simulation.output import Output
    from numbavol.simulation.shards import Shard

# What the time is estimated by, and the size of tables.
N_TIMED, N_ROWS = 64, 1000
# Its numbers and names, twice as they are read and as they are written: measured.
BYTES_A_PARTICLE = 1400
MOST_NAMED = 3


def say_simulation(config: SimulationConfig, output: Output, report: Report) -> None:
    """Say what images there are to be, and which stacks an earlier run left, whole or in part."""
    shards, missing = output.shards, output.missing
    begun = output.find_begun()
    n_there = len(shards) - len(missing)
    report.say(
        f"simulate {plural(config.number, 'particle')} of {config.box}^2 pixels of "
        f"{config.pixel_size:g} A, {config.method}, {config.contrast.replace('_', '-')} contrast, "
        f"{config.dtype}, seed {config.seed}",
        n_particles=config.number,
        config=dataclasses.asdict(config),
        n_stacks=len(shards),
        n_stacks_there=n_there,
        n_stacks_begun=len(begun),
    )
    warn_of_odd_side(config.box, report)
    if not output.is_zarr and (others := find_others(shards, output.path)):
        named = ", ".join(map(str, others[:MOST_NAMED])) + (", ..." if others[MOST_NAMED:] else "")
        report.warn(f"{named}: of another number of shards; {output.tables[0]} names none of it")
    if n_there:
        which = "the stack is" if len(shards) == 1 else f"{n_there} of {len(shards)} stacks are"
        report.say(f"there   {which} written already")
    if begun:
        which = str(begun[0]) if len(begun) == 1 else plural(len(begun), "stack")
        report.say(f"resume  {which}, left by an interrupted run")


def say_particles(simulator: Simulator, report: Report) -> None:
    """Say what is drawn of each particle, once all files are read."""
    config, volumes = simulator.config, simulator.volumes
    shares = simulator.source.find_shares()
    for name, share in zip(volumes.names, shares, strict=True):
        often = "all of them" if len(shares) == 1 else f"{100 * share:.4g} % of them"
        report.say(f"volume  {name}: {often}")
    moved = config.poses.offset_deviation
    report.say(
        f"poses   {config.poses.file or _describe_views(config)}"
        + (f", normal offsets of {moved:g} A" if moved else ""),
        volumes=[
            {"name": name, "share": share}
            for name, share in zip(volumes.names, shares, strict=True)
        ],
    )
    if simulator.source.is_of_file:
        offsets = [
            simulator.source.take(numbers).poses.offset_in_angstroms
            for numbers in np.split(
                np.arange(config.number), range(ROWS_AT_A_TIME, config.number, ROWS_AT_A_TIME)
            )
        ]
        warn_of_far_offsets(np.concatenate(offsets), config.box * config.pixel_size, report)
    report.say(f"CTF     {_describe_ctf(simulator)}")
    _say_spread(simulator, report)
    _say_noise(simulator, report)
    solvent = {"bulk": "bulk", "hydration": "hydration layer and bulk"}.get(config.solvent.kind)
    ice = config.solvent.ice_thickness
    around = [solvent, f"vitreous ice of {ice:g} A" if ice else None]
    if any(around):
        report.say(f"solvent {', '.join(filter(None, around))}")
    frames = config.dose_weighting
    if frames.n_frames is not None:
        before = f", after {frames.pre_exposure:g}" if frames.pre_exposure else ""
        report.say(
            f"frames  {plural(frames.n_frames, 'frame')} of {frames.dose_per_frame:g} electrons/A^2"
            f"{before}, weighted by their dose"
        )
    detector = config.detector
    if detector.dose is not None:
        curves = {"MTF": detector.mtf, "DQE": detector.dqe}
        known = [f"{name} of {file}" for name, file in curves.items() if file is not None]
        report.say(f"counts  {detector.dose:g} electrons/A^2, {', '.join(known) or 'ideal'}")


def _describe_views(config: SimulationConfig) -> str:
    poses = config.poses
    if poses.distribution == "uniform":
        return "random"
    return (
        f"random around rot {poses.rot:g}, tilt {poses.tilt:g} degrees by a concentration of "
        f"{poses.concentration:g}"
    )


def _describe_ctf(simulator: Simulator) -> str:
    config = simulator.config
    first = simulator.source.take(np.arange(1))
    if first.ctf is None:
        return "none"
    if first.micrographs is None:
        filled_in = simulator.source.filled_in
        unsaid = [words for choice, words in _describe_microscope(config) if choice in filled_in]
        return f"those of {config.poses.file}" + (
            f", with {', '.join(unsaid)}, which it does not say" if unsaid else ""
        )
    microscope, defocus = config.microscope, config.defocus
    words = [
        f"defocus {defocus.minimum:g} to {defocus.maximum:g} A"
        if defocus.distribution == "uniform"
        else f"defocus {defocus.mean:g} A, normal by {defocus.deviation:g} A"
    ]
    if defocus.astigmatism:
        words.append(f"astigmatism of {defocus.astigmatism:g} A")
    n = defocus.particles_per_micrograph
    words.append("one a particle" if n == 1 else f"one for {n} particles in a row")
    if defocus.deviation_in_micrograph:
        words.append(f"within a micrograph by {defocus.deviation_in_micrograph:g} A")
    words += [words for _, words in _describe_microscope(config)]
    if microscope.phase_shift:
        words.append(f"phase shift {microscope.phase_shift:g} degrees")
    if microscope.b_factor:
        words.append(f"B-factor {microscope.b_factor:g} A^2")
    others = ("beam_tilt", "trefoil", "odd_zernike", "even_zernike")
    words += [name.replace("_", " ") for name in others if any(getattr(microscope, name))]
    return ", ".join(words)


def _describe_microscope(config: SimulationConfig) -> list[tuple[str, str]]:
    """Say what a transfer function is made of besides a defocus, by the names of the choices."""
    microscope = config.microscope
    return [
        ("voltage", f"{microscope.voltage:g} kV"),
        ("spherical_aberration", f"{microscope.spherical_aberration:g} mm"),
        ("amplitude_contrast", f"amplitude contrast {microscope.amplitude_contrast:g}"),
    ]


def _say_spread(simulator: Simulator, report: Report) -> None:
    """Say how far defocus moves the finest detail, where it comes in at the other side of the box.

    A spatial frequency k is moved by the wavelength times the defocus times k.
    """
    config = simulator.config
    ctf = simulator.source.take(np.arange(min(N_ROWS, config.number))).ctf
    if ctf is None:
        return
    defocus = np.maximum(np.abs(ctf.defocus_u_in_angstroms), np.abs(ctf.defocus_v_in_angstroms))
    finest = 2.0 * config.pixel_size
    spread = float(np.max(ctf.wavelength_in_angstroms * defocus)) / finest
    enough = 1.0 + spread / (config.box * config.pixel_size)
    padded = config.image_config.padded_shape[0] / config.box
    # Less than a pixel is nothing to speak of.
    if padded < enough and spread > config.pixel_size:
        prevents = "prevents" if enough <= LARGEST_PAD_SCALE else "would prevent"
        report.say(
            f"spread  detail of {finest:g} A by up to {spread:.0f} A; what leaves the box comes in "
            f"at its other side, which a pad scale of {math.ceil(10 * enough) / 10:g} {prevents}",
            spread_in_angstroms=spread,
        )


def _say_noise(simulator: Simulator, report: Report) -> None:
    config, noise = simulator.config, simulator.formation.noise
    if noise is None:
        if config.detector.dose is None:
            report.say("noise   none", noise_variance=None)
        return
    variance = noise.variance(config.image_config.padded_shape, config.pixel_size)
    measured = ""
    if simulator.signal_variance is not None:
        measured = (
            f", for an SNR of {config.noise.snr:g} and a signal of variance "
            f"{simulator.signal_variance:.5g} within {config.noise_radius:g} A"
        )
    spectrum = "white" if config.noise.spectrum == "white" else f"as in {config.noise.spectrum}"
    report.say(
        f"noise   variance {variance:.5g}, {spectrum}{measured}",
        noise_variance=variance,
        signal_variance=simulator.signal_variance,
    )


def say_files(simulator: Simulator, output: Output, report: Report) -> None:
    """Say what there is to be on disk.

    Parameters
    ----------
    simulator
        Knows the images.
    output
        All files.
    report
        Where it is said.
    """
    config, shards = simulator.config, output.shards
    image_bytes = config.box**2 * np.dtype(config.dtype).itemsize
    sizes = {
        str(shard.path): HEADER_BYTES + (shard.stop - shard.start) * image_bytes for shard in shards
    }
    if output.is_zarr:
        sizes = {str(output.path): config.number * image_bytes}
    which = str(output.path)
    if not output.is_one_file:
        which = f"{len(shards)} stacks, {shards[0].path} to {shards[-1].path}"
    report.say(f"file    {which}: {sum(sizes.values()):,} bytes")
    about = _estimate_tables(simulator, shards, output.tables)
    for table, size in about.items():
        report.say(f"file    {table}: about {size:,} bytes")
    n_bytes = _count_bytes(simulator, output)
    report.say(
        f"memory  {describe_bytes(n_bytes)} of volumes and particles",
        bytes_of_stacks=sizes,
        bytes_of_tables_about=about,
        bytes_of_memory=n_bytes,
    )


def _estimate_tables(
    simulator: Simulator, shards: list[Shard], tables: list[Path]
) -> dict[str, int]:
    number = simulator.config.number
    n = min(number, N_ROWS)
    first = [dataclasses.replace(shards[0], start=0, stop=n)]
    sizes = {}
    with tempfile.TemporaryDirectory() as folder:
        for table in tables:
            written = Path(folder) / f"table{table.suffix}"
            write_table(simulator, first, written, is_cs=table.suffix == ".cs")
            sizes[str(table)] = round(written.stat().st_size * number / n)
    return sizes


def _count_bytes(simulator: Simulator, output: Output) -> int:
    """Count what is held for as long as images are made: all particles, but for drawn stacks."""
    n_bytes = 0
    for volume in simulator.volumes.volumes:
        n_bytes += sum(value.nbytes for value in vars(volume).values() if hasattr(value, "nbytes"))
    is_whole = output.is_zarr or output.cs or simulator.source.is_of_file
    n_held = simulator.config.number if is_whole else min(simulator.config.number, ROWS_AT_A_TIME)
    return n_bytes + n_held * BYTES_A_PARTICLE


def say_time(
    simulator: Simulator, missing: list[Shard], seconds_before: float, report: Report
) -> None:
    """Say how long what is missing takes, by a few particles.

    Parameters
    ----------
    simulator
        Makes the images.
    missing
        Stacks that are to be written.
    seconds_before
        How long it took to read all files.
    report
        Where it is said.
    """
    config = simulator.config
    particles = simulator.source.take(np.arange(min(N_TIMED, config.number)))
    n = len(particles.numbers)
    images = np.empty((n, config.box, config.box), np.float32)
    # The first call compiles.
    simulator.image(particles, images)
    began = time.perf_counter()
    simulator.image(particles, images)
    n_missing = sum(shard.stop - shard.start for shard in missing)
    seconds = (time.perf_counter() - began) / n * n_missing
    report.say(
        f"time    about {_describe_time(seconds_before)} to begin, and {_describe_time(seconds)} "
        f"for {plural(n_missing, 'image')}, by {n} of them",
        seconds_about=seconds_before + seconds,
    )


def _describe_time(seconds: float) -> str:
    units: list[tuple[str, float]] = [("h", 3600.0), ("min", 60.0)]
    for unit, length in units:
        if seconds >= 2 * length:
            return f"{seconds / length:.1f} {unit}"
    return f"{seconds:.2g} s"
