"""Images of volumes that are drawn at random: a draw for each pose."""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import numpy as np

from numbavol.volumes import AbstractVolumeRepresentation, EnsembleVolume

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import NDArray

    from numbavol.poses import AbstractPose
    from numbavol.volumes import AbstractVolumeParametrization

# So many images are made volume by volume, and then those that follow, so that an
# interrupted run has the first ones.
POSES_A_BLOCK = 2048
# Volumes that are drawn to see whether some are the same, and those that may be held at once.
DRAWS_AT_FIRST, FEW = 16, 8


class Images(Protocol):
    """Where images go: an array, a stack, or some places of one."""

    def __setitem__(self, numbers: Any, images: Any, /) -> None:
        """Put one image, or those of a slice."""


class Places:
    """Some places of an array or a stack, numbered from 0.

    Parameters
    ----------
    images
        Where images go.
    numbers
        The place of each.
    """

    def __init__(self, images: Images, numbers: NDArray[np.int64]) -> None:
        self._images, self._numbers = images, numbers

    def __setitem__(self, numbers: int | slice, images: NDArray[Any]) -> None:
        """Put one image to its place, or several."""
        if isinstance(numbers, slice):
            for number, image in zip(self._numbers[numbers], images, strict=True):
                self._images[int(number)] = image
        else:
            self._images[int(self._numbers[numbers])] = images


class Stream(enum.IntEnum):
    """Streams of one seed that have nothing in common, by what they are for.

    A generator of the seed alone, as of views, has nothing in common with them either.
    """

    VOLUME = 1
    OFFSET = 2


def make_generator(seed: int, stream: Stream, number: int) -> np.random.Generator:
    """Make the generator of one stream and one image, whichever others are made.

    Of a key, and not of more numbers in the seed: those are padded with zeros, so that `[5, 0]` is
    the stream of 5.
    """
    key = (int(stream), number)
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=key))


class Group(NamedTuple):
    """Images of one volume, or of a volume each."""

    numbers: NDArray[np.int64]
    volume: AbstractVolumeRepresentation | None
    """None if each has its own."""
    drawn: Mapping[int, AbstractVolumeRepresentation]
    """By the number of the image, what was drawn to find out: the others are still to be drawn."""


def group_by_volume(
    volume: AbstractVolumeParametrization, seed: int, numbers: range
) -> Iterator[Group]:
    """Draw a volume for each image, and put images of one object together."""
    for start in range(numbers.start, numbers.stop, POSES_A_BLOCK):
        block = np.arange(start, min(start + POSES_A_BLOCK, numbers.stop))
        if isinstance(volume, EnsembleVolume):
            chosen = np.array([_choose(volume, seed, n) for n in block.tolist()])
            is_random = np.ones(len(block), bool)
            for number in np.unique(chosen).tolist():
                member = volume.volumes[number]
                if isinstance(member, AbstractVolumeRepresentation):
                    is_random[chosen == number] = False
                    yield Group(block[chosen == number], member, {})
            block = block[is_random]
        yield from _group_drawn(volume, seed, block)


def _group_drawn(
    volume: AbstractVolumeParametrization, seed: int, numbers: NDArray[np.int64]
) -> Iterator[Group]:
    """Draw volumes, and put those together that are one object: more at a time if it is a few."""
    n_at_a_time = DRAWS_AT_FIRST
    while len(numbers):
        part, rest = numbers[:n_at_a_time], numbers[n_at_a_time:]
        drawn = [represent(volume, seed, number) for number in part.tolist()]
        which = np.array([id(each) for each in drawn])
        different, first = np.unique(which, return_index=True)
        if 1 < len(different) == len(part):
            yield Group(numbers, None, dict(zip(part.tolist(), drawn, strict=True)))
            return
        for number in np.sort(first).tolist():
            yield Group(part[which == which[number]], drawn[number], {})
        # The more images one object has, the less is prepared; few objects are held meanwhile.
        n_at_a_time *= 2 if len(different) <= max(FEW, len(part) // 2) else 1
        numbers = rest


def _choose(ensemble: EnsembleVolume, seed: int, number: int) -> int:
    return ensemble.choose(make_generator(seed, Stream.VOLUME, number))


def represent(
    volume: AbstractVolumeParametrization, seed: int, number: int
) -> AbstractVolumeRepresentation:
    """Draw the volume of one image.

    Raises
    ------
    TypeError
        If what is drawn is none that an integrator takes.
    """
    drawn: object = volume.get_representation(make_generator(seed, Stream.VOLUME, number))
    if not isinstance(drawn, AbstractVolumeRepresentation):
        msg = (
            f"volume: expected {type(volume).__name__}.get_representation to return a volume that "
            f"an integrator takes, got {type(drawn).__name__}"
        )
        raise TypeError(msg)
    return drawn


def take_poses(poses: AbstractPose, numbers: NDArray[np.int64]) -> AbstractPose:
    """Take some of the poses; one pose that is alone is itself."""
    return poses if poses.n_poses is None else poses[numbers]
