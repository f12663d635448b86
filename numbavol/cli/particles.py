"""Images of particles, with all that a map is made of."""

from __future__ import annotations

import contextlib
import dataclasses
from typing import TYPE_CHECKING, Self

import numpy as np

import numbavol
from numbavol.cli.options import say_options
from numbavol.cli.output import plural
from numbavol.io.ctf_defaults import describe_defaults
from numbavol.io.particle_reading import read_particle_file
from numbavol.io.stack_names import is_cs_file

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from numbavol.cli.output import Report
    from numbavol.io import ParticleTable

# Of pixel sizes: less comes of writing them with a few digits.
SAME_SIZE_IN_TABLES = 1e-3


def read_particles(
    source: Path,
    report: Report,
    pixel_size: float | None = None,
    passthrough: Path | None = None,
) -> numbavol.ParticleTable:
    """Read particles, and say what is odd in their images as the command does.

    Parameters
    ----------
    source
        A file of particles.
    report
        Where it is said.
    pixel_size
        In angstroms, of images whose pixel size a STAR file does not say.
    passthrough
        A second `.cs` file, as in `numbavol.read_cs`.

    Raises
    ------
    ValueError
        If a STAR file is to have a second one, or a file cannot be read as particles.
    """
    if passthrough is not None and not is_cs_file(source):
        msg = f"--passthrough: only particles of a .cs file have another, got {source}"
        raise ValueError(msg)
    particles, oddities = read_particle_file(source, pixel_size, passthrough)
    for oddity in oddities:
        report.warn(oddity)
    return particles


def warn_of_far_offsets(
    offsets_in_angstroms: NDArray[np.float64], side: float, report: Report
) -> None:
    """Warn of offsets (n, 2) that are longer than half a box, of so many angstroms a side."""
    offsets = np.abs(offsets_in_angstroms[:, :2])
    is_outside = np.any(offsets > side / 2, axis=1)
    if np.any(is_outside):
        farthest = offsets.max()
        report.warn(
            f"offsets of up to {farthest:.4g} A move {plural(int(is_outside.sum()), 'particle')} "
            f"out of boxes of {side:.4g} A"
        )


@contextlib.contextmanager
def name_columns(source: Path) -> Iterator[None]:
    """Let errors of names of images name the file, and its column, that they are from."""
    column = "blob/path" if is_cs_file(source) else "rlnImageName"
    try:
        yield
    except ValueError as error:
        msg = f"{source}: {say_options(str(error), {'image_names': column})}"
        raise ValueError(msg) from error


def warn_of_odd_side(side: int, report: Report) -> None:
    """Say of images that are written for RELION what it makes of an odd number of pixels."""
    if side % 2:
        report.warn(
            f"RELION reconstructs wrong maps of images with an odd number of pixels a side, and "
            f"these have {side}"
        )


@dataclasses.dataclass(frozen=True)
class StackOfParticles:
    """Images, and what is known of them."""

    images: numbavol.ParticleImages
    poses: numbavol.EulerAnglePose
    ctf: numbavol.CTF | None
    ctf_correction: str
    """What was done to the images about it, as `numbavol.backproject` takes it."""
    pixel_size: float
    halves: NDArray[np.int64]
    """Which half each is of, 1 or 2."""

    def __len__(self) -> int:
        """Return how many images there are."""
        return len(self.images)

    @property
    def side(self) -> int:
        """Pixels of a side of the images."""
        return self.images.shape[1]

    @property
    def filenames(self) -> list[Path]:
        """The stacks that images are read from."""
        return self.images.filenames

    @classmethod
    def read(
        cls,
        source: Path,
        passthrough: Path | None,
        pixel_size: float | None,
        wants_ctf: bool | None,
        report: Report,
    ) -> Self:
        """Read particles, and find their images.

        Parameters
        ----------
        source
            A file of particles.
        passthrough
            What ``--passthrough`` says.
        pixel_size
            What ``--pixel-size`` says.
        wants_ctf
            Whether there is to be a CTF; None if there is one where particles have it.
        report
            Where it is said what is odd in the files, and what is taken.

        Raises
        ------
        ValueError
            If something is missing, or images are not square or of another size than the file
            says. The message says what.
        """
        try:
            particles = read_particles(source, report, pixel_size, passthrough)
        except ValueError as error:
            # The library speaks to programs.
            msg = str(error).replace("read_cs joins both", "--passthrough joins both")
            raise ValueError(msg) from error
        if particles.image_names is None:
            where, hint = "rlnImageName", ""
            if is_cs_file(source):
                where = "blob/path"
                if passthrough is None:
                    hint = "; another file of the job may have them: --passthrough"
            msg = f"{source}: expected names of images ({where}), it has none{hint}"
            raise ValueError(msg)
        has_defocus = particles.defocus_u_in_angstroms is not None
        if wants_ctf and not has_defocus:
            msg = f"{source}: --ctf needs a defocus (rlnDefocusU), it has none"
            raise ValueError(msg)
        is_corrected = has_defocus and wants_ctf is not False
        ctf = None
        if is_corrected:
            for default in describe_defaults(source, particles):
                report.warn(default)
            ctf = numbavol.CTF.from_particles(particles)
        images = _find_images(source, particles)
        size = _choose_pixel_size(source, particles, pixel_size)
        who = str(source) if pixel_size is None else "--pixel-size"
        _warn_of_other_sizes(who, size, images, report)
        poses = particles.to_poses()
        subsets = particles.random_subset
        halves = np.arange(len(particles)) % 2 + 1 if subsets is None else subsets
        return cls(
            images,
            poses,
            ctf,
            "none" if ctf is None else _find_ctf_correction(source, particles),
            size,
            np.broadcast_to(halves, len(particles)),
        )

    def take_half(self, number: int) -> StackOfParticles:
        """Take the images of half 1 or 2.

        Raises
        ------
        ValueError
            If there is none.
        """
        chosen = np.flatnonzero(self.halves == number)
        if not chosen.size:
            msg = f"--half: expected images of half {number}, there are none"
            raise ValueError(msg)
        return StackOfParticles(
            self.images.take(chosen),
            self.poses[chosen],
            None if self.ctf is None else self.ctf[chosen],
            self.ctf_correction,
            self.pixel_size,
            self.halves[chosen],
        )


def _find_ctf_correction(source: Path, particles: ParticleTable) -> str:
    try:
        return particles.ctf_correction
    except ValueError as error:
        msg = f"{source}: {error}"
        raise ValueError(msg) from error


def _find_images(source: Path, particles: ParticleTable) -> numbavol.ParticleImages:
    assert particles.image_names is not None
    try:
        with name_columns(source):
            images = numbavol.ParticleImages(particles.image_names, source.parent)
    except FileNotFoundError as error:
        msg = f"{source}: {error.filename}: {error.strerror}"
        raise ValueError(msg) from error
    y, x = images.shape[1:]
    if y != x:
        msg = f"{source}: expected square images, got {(y, x)} (y, x) pixels"
        raise ValueError(msg)
    said = np.unique(y if particles.image_size is None else particles.image_size)
    if np.any(said != y):
        listed = ", ".join(map(str, said.tolist()))
        column = "blob/shape" if is_cs_file(source) else "rlnImageSize"
        msg = (
            f"{source}: expected images of {listed} pixels a side, as {column} says, got {y} in "
            f"{images.filenames[0]}"
        )
        raise ValueError(msg)
    return images


def _warn_of_other_sizes(
    who: str, pixel_size: float, images: numbavol.ParticleImages, report: Report
) -> None:
    """Say of stacks that their headers have another pixel size than `who` says."""
    others = []
    for stack in images.filenames:
        sizes = numbavol.read_map_header(stack).voxel_size
        if sizes is not None and not np.allclose(sizes[:2], pixel_size, SAME_SIZE_IN_TABLES, 0.0):
            others.append((stack, sizes[np.argmax(np.abs(sizes[:2] - pixel_size))]))
    if others:
        stack, other = others[0]
        rest = f" (of {len(others)} stacks that say another)" if len(others) > 1 else ""
        report.warn(
            f"{who}: a pixel size of {pixel_size:g} A is taken, the header of {stack} says "
            f"{other:g} A{rest}"
        )


def _choose_pixel_size(source: Path, particles: ParticleTable, asked: float | None) -> float:
    known = particles.pixel_size
    if isinstance(known, np.ndarray):
        msg = f"{source}: expected images of one pixel size, got {known.min():g} to {known.max():g}"
        raise ValueError(msg)
    if known is None:
        if asked is None:
            msg = f"{source}: the pixel size is not known; --pixel-size says it"
            raise ValueError(msg)
        return asked
    if asked is not None and asked != known:
        msg = f"--pixel-size: {source} says {known:g} A, got {asked:g} A"
        raise ValueError(msg)
    return known
