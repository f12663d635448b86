"""Work of the size that users have, on CUDA and on the CPU."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

import numbavol
from numbavol.kernels.finding import is_simulated

pytestmark = [
    pytest.mark.cuda,
    pytest.mark.heavy,
    pytest.mark.skipif(is_simulated(), reason="the simulator takes hours"),
]

# What docs/cuda.md says of single precision, of the highest value.
TOLERANCE = 3e-6
N_ATOMS, N_VOXELS, N_IMAGES = 131_256, 320, 6
SIDE, N_SLICES = 256, 64


def make_poses(n):
    offsets = np.random.default_rng(1).normal(size=(n, 2))
    rotations = Rotation.random(n, rng=2)
    return numbavol.QuaternionPose.from_rotation_and_translation(rotations, offsets)


@pytest.fixture(scope="module")
def atoms():
    """Positions, elements and B-factors in a ball, as close and as many of each as in a protein."""
    rng = np.random.default_rng(0)
    directions = rng.normal(size=(N_ATOMS, 3))
    directions /= np.linalg.norm(directions, axis=1)[:, None]
    positions = directions * 110.0 * rng.uniform(size=(N_ATOMS, 1)) ** (1.0 / 3.0)
    elements = rng.choice([6, 7, 8, 16], N_ATOMS, p=[0.63, 0.17, 0.19, 0.01])
    return positions, elements, rng.uniform(5.0, 120.0, N_ATOMS)


@pytest.fixture(scope="module")
def mixture(atoms):
    positions, elements, b_factors = atoms
    parameters = numbavol.PengScatteringFactorParameters(elements)
    return numbavol.GaussianMixtureVolume.from_tabulated_parameters(
        positions, parameters, b_factors
    )


@pytest.fixture(scope="module")
def values():
    return np.random.default_rng(3).standard_normal((SIDE,) * 3, dtype=np.float32)


def check_both(work):
    on_cpu, on_cuda = work("cpu"), work("cuda")
    assert on_cuda.dtype == on_cpu.dtype
    np.testing.assert_allclose(on_cuda, on_cpu, rtol=0.0, atol=TOLERANCE * np.abs(on_cpu).max())


@pytest.mark.parametrize("shape", [(N_VOXELS,) * 3, (N_VOXELS, N_VOXELS - 1, 281)])
def test_maps_of_a_large_complex(mixture, shape):
    check_both(lambda device: numbavol.GaussianMixtureRenderFn(shape, 0.9, device=device)(mixture))


def test_images_of_a_large_complex(mixture):
    image_config = numbavol.ImageConfig((N_VOXELS, N_VOXELS), 0.9)
    poses = make_poses(N_IMAGES)
    check_both(lambda device: numbavol.project(mixture, poses, image_config, device=device))


def test_images_of_a_large_complex_by_transforms(atoms):
    positions, elements, _ = atoms
    by_element, kinds = numbavol.split_atoms_by_element(elements, positions)
    volume = numbavol.IndependentAtomVolume.from_tabulated_parameters(
        by_element, numbavol.PengScatteringFactorParameters(kinds)
    )
    image_config = numbavol.ImageConfig((N_VOXELS, N_VOXELS), 0.9)
    poses = make_poses(2)
    check_both(lambda device: numbavol.project(volume, poses, image_config, device=device))


@pytest.mark.parametrize(
    "volume_class", [numbavol.FourierVoxelGridVolume, numbavol.FourierVoxelSplineVolume]
)
def test_images_of_a_large_map(values, volume_class):
    volume = volume_class.from_real_voxel_grid(values)
    image_config = numbavol.ImageConfig((SIDE, SIDE), 1.2)
    poses = make_poses(N_SLICES)
    check_both(lambda device: numbavol.project(volume, poses, image_config, device=device))


def test_images_of_a_large_map_on_the_ewald_sphere(values):
    volume = numbavol.FourierVoxelGridVolume.from_real_voxel_grid(values)
    image_config = numbavol.ImageConfig((SIDE, SIDE), 1.2, 200.0)
    poses = make_poses(N_IMAGES)

    def work(device):
        integrator = numbavol.EwaldSphereExtraction(device=device)
        return numbavol.project(volume, poses, image_config, integrator=integrator, device=device)

    check_both(work)


def test_a_large_map_of_images():
    images = np.random.default_rng(4).standard_normal((N_SLICES, SIDE, SIDE), dtype=np.float32)
    poses = make_poses(N_SLICES)
    check_both(lambda device: numbavol.backproject(images, poses, 1.2, device=device))
