"""What the package computes, in float64 and in loops that anyone can check.

Shapes are (z, y, x); positions and voxel sizes are (x, y, z).
"""

from __future__ import annotations

import cmath
import itertools
import math

import numpy as np


def coordinate(i, n, voxel_size):
    return (i - n // 2) * voxel_size


def average_over_voxels(n, voxel_size, position, variance):
    """Of one Gaussian of integral 1 along one axis."""
    width = math.sqrt(2.0 * variance)
    averages = []
    for i in range(n):
        d = coordinate(i, n, voxel_size) - position
        upper = math.erf((d + voxel_size / 2) / width)
        lower = math.erf((d - voxel_size / 2) / width)
        averages.append((upper - lower) / (2 * voxel_size))
    return np.array(averages)


def sample_at_points(n, voxel_size, position, variance):
    """Of one Gaussian of integral 1 along one axis."""
    samples = []
    for i in range(n):
        d = coordinate(i, n, voxel_size) - position
        samples.append(math.exp(-(d**2) / (2 * variance)) / math.sqrt(2 * math.pi * variance))
    return np.array(samples)


def add_gaussians(shape, voxel_size, positions, amplitudes, variances, along_axis):
    """Sum of products of a factor along each axis; amplitudes and variances are (n, k)."""
    total = np.zeros(shape)
    for j, position in enumerate(positions):
        for amplitude, variance in zip(amplitudes[j], variances[j], strict=True):
            x, y, z = (
                along_axis(shape[2 - axis], voxel_size[axis], position[axis], variance)
                for axis in range(3)
            )
            total += amplitude * z[:, None, None] * y[None, :, None] * x[None, None, :]
    return total


def voxel_averages(shape, voxel_size, positions, amplitudes, variances):
    return add_gaussians(
        shape, voxel_size, positions, amplitudes, variances, along_axis=average_over_voxels
    )


def point_samples(shape, voxel_size, positions, amplitudes, variances):
    return add_gaussians(
        shape, voxel_size, positions, amplitudes, variances, along_axis=sample_at_points
    )


def project_gaussians(shape, pixel_size, positions, amplitudes, variances):
    """Averages over pixels (y, x) of the integral along z, in which nothing is left out."""
    total = np.zeros(shape)
    for j, position in enumerate(positions):
        for amplitude, variance in zip(amplitudes[j], variances[j], strict=True):
            x = average_over_voxels(shape[1], pixel_size, position[0], variance)
            y = average_over_voxels(shape[0], pixel_size, position[1], variance)
            total += amplitude * y[:, None] * x[None, :]
    return total


def highest_voxel(shape, voxel_size, positions, amplitudes, variances):
    """Highest sum of the absolute terms, in the map or at a position that reaches into it.

    Rounding is relative to it: a position beside the map leaves only its flank in the map, with
    the rounding of its summit.
    """
    amplitudes = np.abs(amplitudes)
    highest = voxel_averages(shape, voxel_size, positions, amplitudes, variances).max()
    for j, position in enumerate(positions):
        # Beyond 9 standard deviations there is nothing, in float64.
        reach = 9 * math.sqrt(max(variances[j])) + np.asarray(voxel_size)
        sides = np.array(shape[::-1]) * voxel_size
        if np.any(np.abs(position) > sides / 2 + reach):
            continue
        nearest = np.rint(position / np.asarray(voxel_size)) * voxel_size
        there = voxel_averages(
            (1, 1, 1), voxel_size, positions - nearest, amplitudes, variances
        ).item()
        highest = max(highest, there)
    return highest


def indices(shape):
    return itertools.product(*map(range, shape))


def phase(k, r, shape):
    return 2j * math.pi * sum(a * (b - n // 2) / n for a, b, n in zip(k, r, shape, strict=True))


def centred_dft(array):
    """Of an array with its origin at n // 2; the zero frequency comes out in the corner."""
    transform = np.zeros(array.shape, complex)
    for k in indices(array.shape):
        for r in indices(array.shape):
            transform[k] += array[r] * cmath.exp(-phase(k, r, array.shape))
    return transform


def centred_inverse_dft(transform):
    array = np.zeros(transform.shape, complex)
    for r in indices(array.shape):
        for k in indices(array.shape):
            array[r] += transform[k] * cmath.exp(phase(k, r, array.shape)) / array.size
    return array


def frequency_vectors(shape, spacing=1.0, *, half=True):
    """Vectors (x, y[, z]) as NumPy has them; one spacing, or one an axis in the order (z, y, x)."""
    spacings = np.broadcast_to(spacing, len(shape))
    axes = [np.fft.fftfreq(n, side) for n, side in zip(shape, spacings, strict=True)]
    if half:
        axes[-1] = np.fft.rfftfreq(shape[-1], spacings[-1])
    return np.stack(np.meshgrid(*axes, indexing="ij")[::-1], axis=-1)


def rotation_x(degrees):
    c, s = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    return np.array([[1.0, 0.0, 0.0], [0.0, c, -s], [0.0, s, c]])


def rotation_y(degrees):
    c, s = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    return np.array([[c, 0.0, s], [0.0, 1.0, 0.0], [-s, 0.0, c]])


def rotation_z(degrees):
    c, s = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    return np.array([[c, -s, 0.0], [s, c, 0.0], [0.0, 0.0, 1.0]])


def rotation_zyz(phi, theta, psi):
    return rotation_z(psi) @ rotation_y(theta) @ rotation_z(phi)


def atoms_half_transform(frequencies, voxel_size, groups, *, antialias=True):
    """Of (positions, function of frequency) in each group, at vectors (x, y, z) of any shape."""
    transform = np.zeros(frequencies.shape[:-1], complex)
    for positions, function in groups:
        waves = np.zeros(transform.shape, complex)
        for position in positions:
            wave = np.ones(transform.shape, complex)
            for axis in range(3):
                along = np.exp(-2j * np.pi * frequencies[..., axis] * position[axis])
                # The Nyquist frequency is as much negative as positive; of the halved axis, the
                # inverse transform makes it so.
                is_nyquist = np.abs(frequencies[..., axis] * voxel_size[axis]) > 0.5 - 1e-12
                wave *= np.where(is_nyquist & (axis > 0), along.real, along)
            waves += wave
        transform += function(frequencies) * waves
    if antialias:
        transform *= np.prod(np.sinc(frequencies * voxel_size), axis=-1)
    return transform / np.prod(voxel_size)


def render_atoms(shape, voxel_size, groups, *, antialias=True):
    voxel_size = np.broadcast_to(voxel_size, 3)
    frequencies = frequency_vectors(shape, voxel_size[::-1])
    transform = atoms_half_transform(frequencies, voxel_size, groups, antialias=antialias)
    return np.fft.fftshift(np.fft.irfftn(transform, s=shape, axes=(0, 1, 2)))


def discrete_transform(image):
    """Of an image (y, x), over all frequencies, the origin at pixel [0, 0]."""
    n_y, n_x = image.shape
    rows = np.exp(-2j * np.pi * np.outer(np.arange(n_y), np.arange(n_y)) / n_y)
    columns = np.exp(-2j * np.pi * np.outer(np.arange(n_x), np.arange(n_x)) / n_x)
    return rows @ image @ columns.T


def frequency_radius(ky, kx, shape, pixel_size):
    """In inverse angstroms, of the sample [ky, kx] of a whole transform."""
    signed = [k if 2 * k <= n else k - n for k, n in zip((ky, kx), shape, strict=True)]
    return math.hypot(*(k / (n * pixel_size) for k, n in zip(signed, shape, strict=True)))


def power_of_masked_noise(shape, pixel_size, weights, power_at):
    """Mean squared moduli of transforms of masked noise without its weighted plane.

    By the covariance of all pairs of pixels; `power_at` is a function of the frequency.
    """
    places = list(itertools.product(range(shape[0]), range(shape[1])))
    waves = np.array(
        [
            [cmath.exp(-2j * math.pi * (ky * y / shape[0] + kx * x / shape[1])) for y, x in places]
            for ky, kx in places
        ]
    )
    power = [power_at(frequency_radius(ky, kx, shape, pixel_size)) for ky, kx in places]
    covariance = (waves.conj().T * power) @ waves / len(places)
    w = weights.ravel()
    columns = np.array([(1.0, y, x) for y, x in places])
    normal = columns.T @ (w[:, None] * columns)
    fitted = columns @ np.linalg.solve(normal, columns.T * w)
    masked = waves @ (w[:, None] * (np.eye(len(w)) - fitted))
    return np.einsum("ki,ij,kj->k", masked, covariance, masked.conj()).real.reshape(shape)


def back_project(
    images, rotations, offsets, transfers, weights, signal_to_noise, padded_side, radius
):
    """A map of square images, each times a weight and a transfer function that are functions of k.

    ``offsets`` are in pixels. Sums and weights are of all cells of the whole padded transform; what
    is added to the weights is an inverse signal-to-noise ratio.
    """
    side = len(images[0])
    step = padded_side / side
    sums, total_weights = {}, {}
    frequencies = [k for k in range(-side, side + 1) if abs(k) < side]
    for image, rotation, offset, transfer, weight in zip(
        images, rotations, offsets, transfers, weights, strict=True
    ):
        transform = centred_dft(image)
        for ky, kx in itertools.product(frequencies, frequencies):
            if math.hypot(kx, ky) >= radius:
                continue
            turns = (kx * offset[0] + ky * offset[1]) / side
            value = transform[ky % side, kx % side] * cmath.exp(2j * math.pi * turns)
            factor = transfer(kx, ky)
            place = step * (rotation.T @ [kx, ky, 0.0])
            below = np.floor(place).astype(int)
            for corner in itertools.product((0, 1), repeat=3):
                share = np.prod(1 - np.abs(place - below - corner))
                cell = tuple(below + corner)
                w = weight(math.hypot(kx, ky)) * share
                sums[cell] = sums.get(cell, 0.0) + w * factor.conjugate() * value
                total_weights[cell] = total_weights.get(cell, 0.0) + w * abs(factor) ** 2
    mean_weights = [
        np.mean([weight(cell / step) for weight in weights]) for cell in range(padded_side)
    ]
    padded = np.zeros((padded_side,) * 3, complex)
    for cell, value in sums.items():
        distance = math.hypot(*cell)
        if distance < radius * step:
            # Curves are kept at whole distances.
            prior = np.interp(distance, range(len(mean_weights)), mean_weights)
            # The samples of the zero frequency are all in its cell.
            prior /= signal_to_noise * (step**3 if distance else 1.0)
            x, y, z = (c % padded_side for c in cell)
            padded[z, y, x] = value / (total_weights[cell] + prior)
    whole = np.fft.fftshift(np.fft.ifftn(padded)).real
    first = padded_side // 2 - side // 2
    grid = whole[(slice(first, first + side),) * 3].copy()
    for index in indices(grid.shape):
        for i in index:
            grid[index] /= np.sinc((i - side // 2) / padded_side) ** 2
    return grid + padded[0, 0, 0].real / grid.size - grid.mean()
