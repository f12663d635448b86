"""Read the particles of a RELION STAR file."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from numbavol.io.particle_columns import COLUMNS, NAME_COLUMNS, ZERNIKE_COLUMNS
from numbavol.io.particle_table import ParticleTable
from numbavol.io.star_blocks import explain_star_errors, parse_star_blocks, read_number

if TYPE_CHECKING:
    import os
    from collections.abc import Sequence
    from typing import Any

    from numpy.typing import NDArray

    from numbavol.io.star_blocks import StarBlock

_LIST = re.compile(r"\[(.*)\]")
_ANGLES = ("_rlnAngleRot", "_rlnAngleTilt", "_rlnAnglePsi")
_ANGSTROMS_A_MICROMETRE = 1e4
_OF_TOMOGRAPHY = ("_rlnTomoParticleName", "_rlnTomoSubtomogramRot", "_rlnTomoVisibleFrames")
_PIXEL_SIZES = ("_rlnMicrographPixelSize", "_rlnMicrographOriginalPixelSize")
# What images would have to be changed by: its value without effect, by what is said of another.
_MAGNIFICATION = {f"_rlnMagMat{i}{j}": float(i == j) for i in (0, 1) for j in (0, 1)}
_UNREAD = {
    "images are read as they are, not corrected for this magnification": _MAGNIFICATION,
}
# That are read of optics groups, and are no column of a `ParticleTable`.
_NUMBERS_BESIDES = (
    *_PIXEL_SIZES, "_rlnDetectorPixelSize", "_rlnMagnification", "_rlnPixelSize",
    "_rlnImageDimensionality", *_MAGNIFICATION,
)  # fmt: skip


def read_star(
    filename: str | os.PathLike[str], pixel_size: float | None
) -> tuple[ParticleTable, list[str]]:
    """Read a RELION STAR file, and what there is to say of what is not read: see `read_particles`.

    Parameters
    ----------
    filename
        The file.
    pixel_size
        In angstroms, of images whose pixel size the file does not say.
    """
    text = Path(filename).read_bytes()
    with explain_star_errors(filename, "particles"):
        particles, images = _find(text)
        table = _read(particles, images, pixel_size)
        unread = _find_unread(images)
        if ignored := _find_ignored_origins(particles, images):
            unread["RELION ignores origins in pixels beside a table of optics"] = ignored
    return table, [
        f"{filename}: {', '.join(tags)} not read: {reason}" for reason, tags in unread.items()
    ]


def _find(text: bytes) -> tuple[StarBlock, _Images]:
    blocks = parse_star_blocks(text)
    particles = _find_particles(blocks)
    images = _Images(particles, next((b for b in blocks if b.name == "optics"), None))
    _check_are_single(particles, images)
    return particles, images


def _find_unread(images: _Images) -> dict[str, list[str]]:
    """List what is not read and not without effect, by what there is to say of it."""
    unread = {
        reason: [
            tag
            for tag, value in neutral.items()
            if (values := images.find(tag)) is not None and np.any(values != value)
        ]
        for reason, neutral in _UNREAD.items()
    }
    return {reason: tags for reason, tags in unread.items() if tags}


def _find_ignored_origins(particles: StarBlock, images: _Images) -> list[str]:
    return [
        tag
        for tag in ("_rlnOriginX", "_rlnOriginY")
        if images.has_optics
        and tag in particles
        and f"{tag}Angst" not in particles
        and particles.numbers(tag).any()
    ]


def _check_are_single(particles: StarBlock, images: _Images) -> None:
    found = [tag for tag in _OF_TOMOGRAPHY if tag in particles]
    if "_rlnOriginZAngst" in particles and particles.numbers("_rlnOriginZAngst").any():
        found.append("_rlnOriginZAngst")
    dimensions = images.find("_rlnImageDimensionality")
    if dimensions is not None and np.any(dimensions != 2):
        found.append(f"_rlnImageDimensionality {dimensions[dimensions != 2][0]:g}")
    if found:
        msg = (
            f"its particles are of tomography ({', '.join(found)}), expected single images of each"
        )
        raise ValueError(msg)


def _read(particles: StarBlock, images: _Images, given_size: float | None) -> ParticleTable:
    rot, tilt, psi = (particles.numbers(tag) for tag in _ANGLES)
    if not rot.size:
        msg = f"data_{particles.name} is empty"
        raise ValueError(msg)
    pixel_size = _pixel_size(images)
    if pixel_size is None and given_size is not None:
        pixel_size = np.full(rot.size, given_size)
    known: dict[str, Any] = {
        column.name: images.find(f"_rln{column.label}", is_overridden=column.is_overridden)
        for column in COLUMNS
    }
    known |= {column.name: images.find_texts(f"_rln{column.label}") for column in NAME_COLUMNS}
    known |= {column.name: images.find_lists(f"_rln{column.label}") for column in ZERNIKE_COLUMNS}
    return ParticleTable(
        rot,
        tilt,
        psi,
        _origin(particles, "X", pixel_size, is_in_pixels=not images.has_optics),
        _origin(particles, "Y", pixel_size, is_in_pixels=not images.has_optics),
        image_names=particles.texts("_rlnImageName"),
        **known | {"pixel_size": pixel_size},
    )


class _Images:
    """What a file says of each particle's image: in its optics group, or with the particle."""

    def __init__(self, particles: StarBlock, optics: StarBlock | None) -> None:
        self._particles, self._optics = particles, optics
        if optics is not None:
            self._rows = _find_rows(particles, optics)

    @property
    def has_optics(self) -> bool:
        return self._optics is not None

    def find(self, tag: str, *, is_overridden: bool = False) -> NDArray[np.float64] | None:
        block = self._find_block(tag, is_overridden=is_overridden)
        if block is None:
            return None
        numbers = block.numbers(tag)
        return np.asarray(numbers[self._rows]) if block is self._optics else numbers

    def find_in_optics(self, tag: str) -> NDArray[np.float64] | None:
        return self.find(tag) if self._optics is not None and tag in self._optics else None

    def find_texts(self, tag: str) -> tuple[str, ...] | None:
        block = self._find_block(tag, is_overridden=False)
        texts = None if block is None else block.texts(tag)
        if texts is None or block is self._particles:
            return texts
        return tuple(map(texts.__getitem__, self._rows.tolist()))

    def find_lists(self, tag: str) -> NDArray[np.float64] | None:
        """Find lists of coefficients; shorter ones end in zeros."""
        texts = self.find_texts(tag)
        if texts is None:
            return None
        lists = {text: _coefficients(tag, text) for text in set(texts)}
        longest = max(map(len, lists.values()))
        padded = {text: values + [0.0] * (longest - len(values)) for text, values in lists.items()}
        if len(padded) == 1:
            return np.array(padded[texts[0]])
        return np.array([padded[text] for text in texts])

    def _find_block(self, tag: str, *, is_overridden: bool) -> StarBlock | None:
        in_order = [self._optics, self._particles]
        if is_overridden:
            in_order.reverse()
        return next((block for block in in_order if block is not None and tag in block), None)


def _coefficients(tag: str, text: str) -> list[float]:
    found = _LIST.fullmatch(text)
    try:
        if found is not None:
            return [read_number(number) for number in found[1].split(",") if found[1]]
    except ValueError:
        found = None
    msg = f"{tag} is {text!r}, expected numbers like [0.5,0,-1]"
    raise ValueError(msg)


def _find_particles(blocks: Sequence[StarBlock]) -> StarBlock:
    found = [block for block in blocks if block.name == "particles"]
    found = found or [block for block in blocks if any(tag in block for tag in _ANGLES)]
    names = ", ".join(f"data_{block.name}" for block in found or blocks)
    if len(found) > 1:
        msg = f"there are several blocks with angles: {names}"
        raise ValueError(msg)
    missing = [tag for tag in _ANGLES if not found or tag not in found[0]]
    if missing:
        msg = f"it has no {', '.join(missing)} (in {names or 'no block at all'})"
        raise ValueError(msg)
    return found[0]


def _find_rows(particles: StarBlock, optics: StarBlock) -> NDArray[np.intp]:
    """Find the row of the optics table that each particle belongs to."""
    tag = "_rlnOpticsGroup"
    for block in (particles, optics):
        if tag not in block:
            msg = f"data_{block.name} has no {tag}"
            raise ValueError(msg)
    groups, wanted = optics.numbers(tag), particles.numbers(tag)
    unique, rows = np.unique(groups, return_index=True)
    if unique.size < groups.size:
        _check_rows_agree(optics, groups)
    positions = np.searchsorted(unique, wanted).clip(max=unique.size - 1)
    is_wrong = unique[positions] != wanted if unique.size else np.ones(wanted.size, dtype=bool)
    if is_wrong.any():
        row = int(np.argmax(is_wrong))
        msg = (
            f"data_{particles.name}: row {row + 1} is of optics group {wanted[row]:g}, which "
            f"data_optics does not have"
        )
        raise ValueError(msg)
    return np.asarray(rows[positions])


def _check_rows_agree(optics: StarBlock, groups: NDArray[np.float64]) -> None:
    """Refuse rows of the same optics group that say different things of what is read.

    Tables that were joined have such rows, and each is right for some of the particles.
    """
    numbers = [*(f"_rln{column.label}" for column in COLUMNS), *_NUMBERS_BESIDES]
    texts = [f"_rln{column.label}" for column in NAME_COLUMNS + ZERNIKE_COLUMNS]
    columns: dict[str, Sequence[float | str]] = {
        tag: optics.numbers(tag).tolist() for tag in numbers if tag in optics
    }
    columns |= {tag: found for tag in texts if (found := optics.texts(tag)) is not None}
    first: dict[float, int] = {}
    for row, group in enumerate(groups.tolist()):
        other = first.setdefault(group, row)
        differing = [tag for tag, values in columns.items() if values[row] != values[other]]
        if differing:
            msg = (
                f"data_{optics.name}: rows {other + 1} and {row + 1} are both of optics group "
                f"{group:g}, with another {differing[0]}"
            )
            raise ValueError(msg)


def _pixel_size(images: _Images) -> NDArray[np.float64] | None:
    """Return the pixel size of each particle in angstroms, if the file knows it."""
    pixel_size = images.find("_rlnImagePixelSize")
    if pixel_size is None:
        # In this order, as RELION 3.1 and later do.
        for tag in _PIXEL_SIZES:
            if (of_micrograph := images.find_in_optics(tag)) is not None:
                return of_micrograph
    detector, magnification = images.find("_rlnDetectorPixelSize"), images.find("_rlnMagnification")
    if pixel_size is None and detector is not None and magnification is not None:
        if not magnification.all():
            msg = f"_rlnMagnification of row {np.argmin(magnification != 0) + 1} is 0"
            raise ValueError(msg)
        return np.asarray(detector * _ANGSTROMS_A_MICROMETRE / magnification)
    return images.find("_rlnPixelSize") if pixel_size is None else pixel_size


def _origin(
    particles: StarBlock,
    axis: str,
    pixel_size: NDArray[np.float64] | None,
    *,
    is_in_pixels: bool,
) -> NDArray[np.float64] | float:
    """Return the origin of each particle along an axis, in angstroms."""
    in_angstroms, in_pixels = f"_rlnOrigin{axis}Angst", f"_rlnOrigin{axis}"
    if in_angstroms in particles:
        return particles.numbers(in_angstroms)
    is_there = is_in_pixels and in_pixels in particles
    origin = particles.numbers(in_pixels) if is_there else np.zeros(1)
    if not origin.any():
        return 0.0
    if pixel_size is None:
        msg = (
            f"{in_pixels} is in pixels, and there is no pixel size (_rlnDetectorPixelSize and "
            f"_rlnMagnification, _rlnImagePixelSize or _rlnPixelSize)"
        )
        raise ValueError(msg)
    return origin * pixel_size
