"""Angles and origins as RELION reads them: images that `relion_project` made, kept as data.

`tests/data/relion_project.npz` holds 40 Gaussians of variance 6 square angstroms, of which
`GaussianMixtureRenderFn` made a map of 32^3 voxels of 2 angstroms; four poses as a STAR file has
them; and the images of `relion_project --angpix 2 --pad 2` of RELION 3.1.3, rounded to float16.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import numbavol

KEPT = np.load(Path(__file__).parent.parent / "data" / "relion_project.npz")
SIDE, PIXEL_SIZE, VARIANCE = 32, 2.0, 6.0
COLUMNS = [KEPT[name] for name in ("rot", "tilt", "psi", "x", "y")]
POSES = numbavol.EulerAnglePose.from_relion_angles(*COLUMNS)
GAUSSIANS = numbavol.GaussianMixtureVolume(KEPT["positions"], KEPT["amplitudes"], VARIANCE)


def make_volumes():
    rendered = numbavol.GaussianMixtureRenderFn((SIDE,) * 3, PIXEL_SIZE)(GAUSSIANS)
    factors = tuple(
        numbavol.FourierGaussian(float(a), 8 * np.pi**2 * VARIANCE) for a in KEPT["amplitudes"]
    )
    yield "gaussians", GAUSSIANS
    yield (
        "atoms",
        numbavol.IndependentAtomVolume(tuple(KEPT["positions"][:, np.newaxis]), factors),
    )
    yield "voxels", numbavol.RealVoxelGridVolume.from_real_voxel_grid(rendered)
    for name, kind in (
        ("grid", numbavol.FourierVoxelGridVolume),
        ("spline", numbavol.FourierVoxelSplineVolume),
    ):
        yield name, kind.from_real_voxel_grid(rendered, pad_scale=2)


def correlate(images, others):
    return [
        np.corrcoef(image.ravel(), other.ravel())[0, 1]
        for image, other in zip(images, others, strict=True)
    ]


@pytest.mark.parametrize("name", ["gaussians", "atoms", "voxels", "grid", "spline"])
def test_images_are_relions(name) -> None:
    volume = dict(make_volumes())[name]
    images = numbavol.project(volume, POSES, numbavol.ImageConfig((SIDE, SIDE), PIXEL_SIZE))
    kept = KEPT["images"].astype(np.float32)
    # Linear interpolation, theirs at a padding of 2, and where it is ours both; measured: 0.99996,
    # and 0.9990 for ours, which is not divided by sinc^2.
    assert min(correlate(images, kept)) > (0.998 if name == "grid" else 0.9999)
    # RELION's images are sums over voxels, not integrals; its own interpolation costs the rest.
    scale = np.sum(images * kept) / np.sum(kept * kept)
    assert scale == pytest.approx(PIXEL_SIZE, rel=0.06 if name == "grid" else 0.01)


def test_another_sign_or_order_would_be_seen() -> None:
    config = numbavol.ImageConfig((SIDE, SIDE), PIXEL_SIZE)
    rot, tilt, psi, x, y = COLUMNS
    for columns in ((-rot, -tilt, -psi, x, y), (psi, tilt, rot, x, y), (rot, tilt, psi, -x, -y)):
        poses = numbavol.EulerAnglePose.from_relion_angles(*columns)
        images = numbavol.project(GAUSSIANS, poses, config)
        # The first pose has no offset, the last no rotation but psi.
        assert min(correlate(images, KEPT["images"].astype(float))) < 0.9
