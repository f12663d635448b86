"""`BackProjector`: a map from images that come batch by batch."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from numbavol.arguments import check_kind, read_above_0, read_precision, read_shape
from numbavol.imaging import CTF
from numbavol.kernels.dispatch import check_device, find_device, find_kernel
from numbavol.ndimage.gridding import undo_linear_interpolation
from numbavol.ndimage.half_transforms import find_not_finite
from numbavol.ndimage.parameters import REAL, read_number
from numbavol.poses import AbstractPose, make_symmetry_rotations
from numbavol.progress import progress_bar
from numbavol.projection.batches import count_images_at_a_time
from numbavol.reconstruction.image_weights import (
    LOWEST_OF_MEAN,
    describe_lowest_weights,
    evaluate_transfer,
    read_ctf_correction,
    read_image_weights,
    read_signal_to_noise,
)
from numbavol.reconstruction.transform_bricks import CHANNELS, TransformBricks, transform_back

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, DTypeLike, NDArray

    from numbavol.imaging import NoiseSpectrum

# Images that a thread transforms together stay in its cache (scripts/bench backproject).
IMAGES_A_TASK = 8


class Images(Protocol):
    """Images as an array has them, or something that reads them when it is asked to."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape ``(n, y, x)``."""

    def __getitem__(self, numbers: slice, /) -> NDArray[Any]:
        """Return some of them."""


class BackProjector:
    r"""Make a map of images in known poses, a batch at a time.

    Every image is transformed, moved back by its pose's offset, and inserted into a padded
    transform as the slice that it is by the central-slice theorem, by linear interpolation. With
    the contrast transfer :math:`C`, the transform :math:`F` of image i and the noise's power
    :math:`P`, a cell of the map's transform is

    .. math::
        \frac{\sum_i C_i^* F_i / P_i}
        {\sum_i |C_i|^2 / P_i + \langle 1 / P_i \rangle / \mathrm{SNR}}

    over all samples around it; `finish` transforms it back and undoes what the interpolation does
    to the map. Of projections of a molecule that fills half of the box, the map is within 4 % of
    its standard deviation; the lowest frequencies, of which slices have few samples, err most, but
    for the mean. That is of the zero frequencies alone, whose weight counts as no less than a
    thousandth of what it were with a transfer of 1.

    The memory is that of the transform, whatever the number of images, and the same images in the
    same order give the same bits, for any number of threads and any batches. (On CUDA the order in
    which a cell is added to is left to the card.)

    Parameters
    ----------
    side
        Pixels of a side of the images, which are square, and voxels of a side of the map.
    pixel_size
        Side of a pixel and of a voxel in angstroms.
    symmetry
        As in `make_symmetry_rotations`. Each image is inserted once for each rotation of it, which
        is exact: the map is that of the images in all symmetric poses.
    pad_scale
        The transform is that of a map so many times as wide, at least; with less than 2, the map's
        edges suffer from the interpolation, and the more, the more images are needed before slices
        reach all cells of the highest frequencies.
    max_resolution
        In angstroms, at most the side of an image: frequencies of the padded transform from its
        inverse on are 0. Cutting the box and correcting for the interpolation leaves little of them
        in the map: beyond one shell, less than a tenth. By default, those from Nyquist on.
    dtype
        float32 or float64, of the map and of what is summed. In float32, the sums of the lowest
        frequencies, up to 32 cells of the padded transform, are accurate to about 3e-5 of
        themselves, whatever the number of images: they are kept in double precision. Others are to
        about 1e-4 up to ten million slices (images times symmetric poses), or 100,000 whose views
        are all alike.
    device
        Where it is done: ``"cpu"``, ``"cuda"`` or ``"auto"``.

    Attributes
    ----------
    n_images
        How many were added.

    Raises
    ------
    ValueError
        If an argument is not as described.
    MemoryError
        If the transform does not fit into the free memory.

    References
    ----------
    Scheres (2012), Journal of Structural Biology 180, 519-530, equation 6. Penczek (2010), Methods
    in Enzymology 482, 1-33: gridding, and Wiener filters.

    Examples
    --------
    >>> import numpy as np
    >>> import numbavol
    >>> volume = numbavol.GaussianMixtureVolume([[4.0, 0.0, 0.0]], amplitudes=3.0, variances=4.0)
    >>> poses = numbavol.draw_random_poses(200, rng=0)
    >>> images = numbavol.project(volume, poses, numbavol.ImageConfig((24, 24), pixel_size=1.5))
    >>> projector = numbavol.BackProjector(24, pixel_size=1.5)
    >>> for some in (slice(0, 100), slice(100, 200)):
    ...     projector.add(images[some], poses[some])
    >>> real_voxel_grid = projector.finish()
    >>> real_voxel_grid.shape, projector.n_images
    ((24, 24, 24), 200)
    >>> round(float(real_voxel_grid.sum() * 1.5**3), 1)
    3.0
    """

    def __init__(
        self,
        side: int,
        pixel_size: float,
        *,
        symmetry: str = "C1",
        pad_scale: float = 2.0,
        max_resolution: float | None = None,
        dtype: DTypeLike = np.float32,
        device: str = "cpu",
    ) -> None:
        import scipy.fft

        (self.side,) = read_shape("side", (side,), 1)
        self.pixel_size = read_above_0("pixel_size", pixel_size)
        self.n_images = 0
        self.device = find_device(check_device(device))
        self.dtype = read_precision("dtype", dtype)
        self._operations = make_symmetry_rotations(symmetry).as_matrix()
        pad_scale = read_number("pad_scale", pad_scale, minimum=1.0)
        # Half of an even side, whose transform is quick.
        half_side = scipy.fft.next_fast_len(math.ceil(self.side * pad_scale / 2), real=True)
        self._padded_side = 2 * half_side
        self._step = self._padded_side / self.side
        self._radius = self.side / 2
        if max_resolution is not None:
            resolution = read_above_0("max_resolution", max_resolution)
            if resolution > self.side * self.pixel_size:
                msg = (
                    f"max_resolution: expected at most the side of an image, "
                    f"{self.side * self.pixel_size:g} A, got {resolution:g} A"
                )
                raise ValueError(msg)
            self._radius = min(self._radius, self.side * self.pixel_size / resolution)
        self._farthest = max(math.ceil(self._radius) - 1, 0)
        self._bricks = TransformBricks(
            self._padded_side, self._radius * self._step, self.dtype, len(self._operations),
            self.device,
        )  # fmt: skip
        n_shells = self.side // 2 + 1
        # By whole frequencies: of the samples' weights, and of 1 / P.
        self._shell_weights, self._noise_weights = np.zeros(n_shells), np.zeros(n_shells)
        # Of the zero frequency: the real part, and the weight.
        self._zero = np.zeros(2)
        self._is_cut_short = False

    def __repr__(self) -> str:
        """Say what the map will be like, and how many images were added."""
        return (
            f"{type(self).__name__}(side={self.side}, pixel_size={self.pixel_size:g}, "
            f"{self.n_images} images)"
        )

    def add(
        self,
        images: Images | ArrayLike,
        poses: AbstractPose,
        *,
        ctf: CTF | None = None,
        ctf_correction: str = "none",
        noise_spectrum: NoiseSpectrum | ArrayLike | None = None,
        progress: bool = False,
    ) -> None:
        r"""Add images.

        Parameters
        ----------
        images
            ``(n, y, x)`` or ``(y, x)``, real: an array, a memory map, or something else that has a
            `shape` and returns some of them by a slice, which is read batch by batch.
        poses
            As many, or one for one image.
        ctf
            A `CTF` of one image, which is then that of all, or of n: that of the images. None where
            they are projections, or their CTF is of no interest.
        ctf_correction
            What was done to the images about their CTF: ``"none"``; ``"phase_flipped"``, where
            transforms have changed sign with it; or ``"premultiplied"``, multiplied by it once
            more. The phases of antisymmetric aberrations are in the images still.
        noise_spectrum
            Power of the noise, :math:`\langle |F|^2 \rangle` over the number of pixels, before any
            correction: a `NoiseSpectrum`; or its values at the whole frequencies 0 to side // 2,
            ``(shells,)``, or ``(n, shells)`` for each image. Images with less noise have more
            weight. By default, all have the same.
        progress
            Show how far the work is, where errors go to a terminal.

        Raises
        ------
        TypeError
            If the poses or the CTF are something else.
        ValueError
            If an argument has another shape, or an image is not finite; batches before that one's
            are then in the sums.
        RuntimeError
            If an earlier call was interrupted in the middle of the sums.
        """
        self._check_is_whole()
        each: Any = images if hasattr(images, "shape") else np.asarray(images)
        given: object = poses
        if not isinstance(given, AbstractPose):
            msg = f"poses: expected a pose, got {type(given).__name__}"
            raise TypeError(msg)
        check_kind("ctf", ctf, CTF)
        correction = read_ctf_correction(ctf_correction, ctf)
        if poses.n_poses is None and len(each.shape) == 2:
            each = each[np.newaxis]
        n = 1 if poses.n_poses is None else poses.n_poses
        expected = (n, self.side, self.side)
        if tuple(each.shape) != expected:
            msg = f"images: expected shape {expected} for {n} poses, got {tuple(each.shape)}"
            raise ValueError(msg)
        if n == 0:
            msg = "images: expected at least one, got none"
            raise ValueError(msg)
        if ctf is not None and ctf.n_images not in (None, n):
            msg = f"ctf: expected that of one image or of {n}, got one of {ctf.n_images}"
            raise ValueError(msg)
        n_shells = len(self._noise_weights)
        weights = read_image_weights(noise_spectrum, n, n_shells, self.side * self.pixel_size)
        rotations = np.atleast_3d(poses.rotation.as_matrix()).reshape(n, 3, 3)
        offsets = np.asarray(poses.offset_in_angstroms, np.float64).reshape(n, -1)[:, :2]
        # The middle of an image goes to its corner, where a transform has its origin.
        offsets = -offsets / self.pixel_size - self.side // 2
        one = (2 * self._farthest + 1) * (self._farthest + 1) * CHANNELS * self.dtype.itemsize
        if self.device.name != "cpu":
            # It transforms all at once: images and what becomes of them.
            one = max(one, 2 * self.dtype.itemsize * self.side * (self.side + 2))
        # The more, the more often a brick of the transform that is in the cache is added to.
        n_at_a_time = count_images_at_a_time(self.device, one)
        with progress_bar("back-projecting", is_wanted=progress) as report:
            for start in range(0, n, n_at_a_time):
                some = slice(start, min(start + n_at_a_time, n))
                some_weights = weights[some] if len(weights) == n else weights
                self._add_batch(
                    each, some, self._make_frames(rotations[some]), offsets[some],
                    ctf if ctf is None or ctf.n_images is None else ctf[some], correction,
                    some_weights,
                )  # fmt: skip
                if report is not None:
                    report(some.stop, n)

    def finish(self, *, signal_to_noise: ArrayLike | None = None) -> NDArray[np.floating[Any]]:
        """Make the map of all images that were added; more may be added afterwards.

        Parameters
        ----------
        signal_to_noise
            Power of the signal over that of the noise in the transform of one image, were its CTF
            1: a number, or a curve of shape ``(shells,)`` at the whole frequencies 0 to side // 2.
            The map is then the Wiener filter's estimate. By default it is not damped, but no
            weight counts as less than a thousandth of the mean of its shell.

        Returns
        -------
        ndarray
            ``(z, y, x)``, in inverse square angstroms if images are the integrals that `project`
            makes: the map of which they are projections.

        Raises
        ------
        ValueError
            If `signal_to_noise` is not as described, nothing was added, or what was added outgrew
            the numbers that `dtype` has.
        RuntimeError
            If images were added by half, as `add` says.
        """
        self._check_is_whole()
        if self.n_images == 0:
            msg = "images: expected some to be added before the map is made, there are none"
            raise ValueError(msg)
        ratios = read_signal_to_noise(signal_to_noise, len(self._noise_weights))
        shells = np.arange(len(ratios))
        places = np.arange(math.ceil(self._radius * self._step) + 2) / self._step
        # A cell has the weight of a frequency of the map divided among so many.
        prior = self._noise_weights / self.n_images / ratios / self._step**3
        lowest = describe_lowest_weights(
            len(self._operations) * self._shell_weights, self._step, len(places)
        )
        half = self._bricks.solve(np.interp(places, shells, prior), lowest)
        # No sample lies between the zero frequency and the first one, which spoils the cells there;
        # the sum itself is known.
        half[0, 0, 0] = total = self._find_total(ratios)
        padded = transform_back(half, self._padded_side, self.side, self.device)
        real_voxel_grid = undo_linear_interpolation(padded, (self._padded_side,) * 3)
        missing = total / real_voxel_grid.size - real_voxel_grid.mean(dtype=np.float64)
        if not math.isfinite(missing):
            msg = (
                f"images: their sums are beyond what {self.dtype} holds; expected images, and "
                f"powers of their noise, in a unit that makes them of about 1"
            )
            raise ValueError(msg)
        real_voxel_grid += self.dtype.type(missing)
        real_voxel_grid /= self.dtype.type(self.pixel_size)
        return real_voxel_grid

    def _find_total(self, ratios: NDArray[np.float64]) -> float:
        """Find the sum of the map, by the zero frequencies of all images."""
        values, weights = len(self._operations) * self._zero
        of_noise = float(self._noise_weights[0])
        lowest = LOWEST_OF_MEAN * len(self._operations) * of_noise
        # Its samples all lie in one cell, whose prior is not divided among others.
        weight = max(weights + of_noise / self.n_images / ratios[0], lowest)
        return float(values / weight) if math.isfinite(weight) else math.nan

    def _add_batch(
        self,
        images: Any,
        some: slice,
        frames: NDArray[np.float64],
        offsets: NDArray[np.float64],
        ctf: CTF | None,
        correction: str,
        weights: NDArray[np.float64],
    ) -> None:
        n, device = some.stop - some.start, self.device
        shape = (n, 2 * self._farthest + 1, self._farthest + 1, CHANNELS)
        samples: NDArray[Any] = device.xp.empty(shape, self.dtype)
        shell_weights: NDArray[np.float64] = device.xp.empty((n, len(self._shell_weights)))
        prepare = find_kernel("prepare_slices", device.name)

        def transform(start: int, stop: int) -> None:
            chosen = images[some.start + start : some.start + stop]
            if chosen.dtype.kind not in REAL:
                msg = f"images: expected real numbers, got dtype {chosen.dtype}"
                raise ValueError(msg)
            halves = device.fft.rfft2(device.send(chosen, self.dtype))
            if (wrong := find_not_finite(halves)) is not None:
                describe = getattr(images, "describe", "image {}".format)
                which = describe(some.start + start + wrong)
                msg = f"images: {which} is not finite"
                raise ValueError(msg)
            is_of_each = ctf is not None and ctf.n_images is not None
            own_ctf = ctf[start:stop] if ctf is not None and is_of_each else ctf
            transfer = evaluate_transfer(
                own_ctf, self.side, self.pixel_size, self.dtype, correction
            )
            prepare(
                samples[start:stop], shell_weights[start:stop], halves, self.side,
                offsets[start:stop], device.send(transfer), correction == "premultiplied",
                weights[start:stop] if len(weights) == n else weights, self._radius,
            )  # fmt: skip

        device.run_parts(transform, n, IMAGES_A_TASK)
        # An interrupt may come in the middle of it.
        self._is_cut_short = True
        self._bricks.insert(samples, frames, self._radius)
        # In the order of the images, whatever the batches. The column 0 holds half of each sample.
        for zero in 2.0 * device.fetch(samples[:, self._farthest, 0, ::2]).astype(np.float64):
            self._zero += zero
        for image_weights in device.fetch(shell_weights):
            self._shell_weights += image_weights
        for image_weights in np.broadcast_to(weights, (n, weights.shape[1])):
            self._noise_weights += image_weights
        self.n_images += n
        self._is_cut_short = False

    def _check_is_whole(self) -> None:
        if self._is_cut_short:
            msg = (
                "images: adding them was interrupted, and some of them are in the sums by half: "
                "begin again with another BackProjector"
            )
            raise RuntimeError(msg)

    def _make_frames(self, rotations: NDArray[np.float64]) -> NDArray[np.float64]:
        """Make the steps along columns and rows of each slice: see the kernel `insert_slices`."""
        # A frequency slice turns by the transpose, so that the steps are rows of R.
        turned = rotations[:, np.newaxis] @ self._operations
        return np.ascontiguousarray(self._step * turned[:, :, :2])
