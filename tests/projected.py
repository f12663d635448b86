"""Projections of a small volume, for tests that put them back together."""

from __future__ import annotations

import numpy as np

import numbavol

SIDE, PIXEL_SIZE = 32, 1.5
CONFIG = numbavol.ImageConfig((SIDE, SIDE), PIXEL_SIZE)


def make_volume():
    positions = np.random.default_rng(0).normal(scale=5.0, size=(12, 3))
    return numbavol.GaussianMixtureVolume(positions, 10.0, 3.0)


def render(volume):
    return numbavol.GaussianMixtureRenderFn((SIDE,) * 3, PIXEL_SIZE)(volume)


def draw_poses(n, seed=0):
    return numbavol.draw_random_poses(n, rng=seed, offset_deviation_in_angstroms=2.0)


def project(n, seed=0):
    poses = draw_poses(n, seed)
    return numbavol.project(make_volume(), poses, CONFIG), poses


def correlate(one, other):
    return np.corrcoef(one.ravel(), other.ravel())[0, 1]


def relative_error(values, expected):
    return np.abs(values - expected).max() / np.abs(expected).max()


def transfer(images, ctf):
    halves = np.fft.rfft2(images) * ctf.evaluate((SIDE, SIDE), PIXEL_SIZE)
    return np.fft.irfft2(halves, s=(SIDE, SIDE)).astype(np.float32)
