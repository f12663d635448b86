from __future__ import annotations

import copy
import dataclasses
import pickle

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from numbavol.io import ParticleTable


def test_it_is_a_value():
    particles = ParticleTable([1, 2], 3, [4, 5], pixel_size=[1, 2], image_names=["a", "b"])
    assert particles == copy.deepcopy(particles) == pickle.loads(pickle.dumps(particles))
    assert particles != dataclasses.replace(particles, psi=[4, 6])
    assert hash(particles) == hash(dataclasses.replace(particles))
    assert_array_equal(particles.tilt, [3, 3])
    for copied in (particles, copy.copy(particles), pickle.loads(pickle.dumps(particles))):
        with pytest.raises(ValueError, match="read-only"):
            copied.pixel_size[0] = 3


def test_it_keeps_no_array_that_may_change():
    rot, sizes = np.zeros(2), np.array([1.0, 2.0])
    particles = ParticleTable(rot, rot, rot, pixel_size=sizes)
    rot[:] = sizes[:] = 7
    assert (particles.rot.tolist(), particles.pixel_size.tolist()) == ([0, 0], [1, 2])


def test_repr_says_what_is_known():
    assert repr(ParticleTable(1, 2, 3)) == "ParticleTable(1 particle)"
    particles = ParticleTable([1, 2], 2, 3, pixel_size=[1.5, 1.2], image_size=[64, 64])
    assert repr(particles) == "ParticleTable(2 particles, pixel_size=1.2 to 1.5, image_size=64)"


def test_what_all_particles_have_is_kept_once():
    particles = ParticleTable(
        [1, 2], 3, 4, defocus_u_in_angstroms=[9, 9], micrograph_names=["a", "a"],
        odd_zernike=[[0, 1], [0, 1]], even_zernike=[[0, 1], [0, 2]], random_subset=[1, 2],
        optics_group_names=["a", "b"],
    )  # fmt: skip
    assert (particles.defocus_u_in_angstroms, particles.micrograph_names) == (9, "a")
    assert particles.odd_zernike.tolist() == [0, 1]
    assert particles.even_zernike.tolist() == [[0, 1], [0, 2]]
    assert particles.random_subset.dtype.kind == "i"
    assert particles.optics_group_names == ("a", "b")
    with pytest.raises(ValueError, match="read-only"):
        particles.odd_zernike[0] = 1
    assert particles == pickle.loads(pickle.dumps(particles))


@pytest.mark.parametrize("nothing", [[], [[], []]])
def test_no_coefficients_are_none(nothing):
    assert ParticleTable([1, 2], 3, 4, odd_zernike=nothing).odd_zernike is None


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"rot": [1, np.nan]}, "rot: expected finite values, got nan"),
        ({"psi": np.zeros((2, 2))}, r"psi: expected a number or one a particle, .* \(2, 2\)"),
        ({"tilt": ["a"]}, "tilt: expected real numbers"),
        ({"rot": [1, 2], "psi": [1, 2, 3]}, "equally many particles, .* rot 2, psi 3"),
        ({"rot": []}, "at least one, got rot 0"),
        ({"rot": [1, 2], "image_names": ["a"]}, "rot 2, image_names 1"),
        ({"pixel_size": -1.0}, "pixel_size: expected numbers above 0, got -1"),
        ({"voltage_in_kilovolts": 0}, "voltage_in_kilovolts: expected numbers above 0"),
        ({"defocus_u_in_angstroms": np.inf}, "defocus_u_in_angstroms: expected finite"),
        ({"amplitude_contrast": 1.1}, "amplitude_contrast: expected fractions from 0 to 1"),
        ({"random_subset": 1.5}, "random_subset: expected 0, 1 or 2, got 1.5"),
        ({"random_subset": [0, 1, 7]}, "random_subset: expected 0, 1 or 2, got 7"),
        ({"image_names": "abc"}, "image_names: expected one text a particle, got 'abc'"),
        ({"image_names": ["1@a.mrcs", 2]}, "image_names: expected texts, got 2"),
        ({"class_number": [1, -1]}, "class_number: expected whole numbers, at least 0, got -1"),
        ({"odd_zernike": 1.0}, r"odd_zernike: expected coefficients of shape \(k,\) or, one list"),
        ({"even_zernike": [np.nan]}, "even_zernike: expected finite values"),
        ({"rot": [1, 2], "odd_zernike": np.zeros((3, 1))}, "rot 2, odd_zernike 3"),
        ({"rot": [1, 2], "micrograph_names": ["a"]}, "rot 2, micrograph_names 1"),
        ({"optics_group_names": [1]}, "optics_group_names: expected texts, got 1"),
        ({"image_size": [1.5]}, "image_size: expected whole numbers above 0, got 1.5"),
    ],
)
def test_a_wrong_value_is_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        ParticleTable(**{"rot": 0.0, "tilt": 0.0, "psi": 0.0, **arguments})
