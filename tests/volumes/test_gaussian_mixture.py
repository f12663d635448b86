"""Gaussian mixtures as values: shapes, atoms, poses, copies and errors."""

from __future__ import annotations

import copy
import dataclasses
import pickle

import naive
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from numbavol import (
    AbstractAtomVolume,
    AbstractVolumeParametrization,
    AbstractVolumeRepresentation,
    AxisAnglePose,
    EulerAnglePose,
    GaussianMixtureVolume,
    PengScatteringFactorParameters,
    QuaternionPose,
)

FIELDS = ["positions", "amplitudes", "variances"]
N, K = 4, 3
RNG = np.random.default_rng(5)
POSITIONS = RNG.normal(size=(N, 3)) * 10
ATOMIC_NUMBERS = [1, 6, 8, 26]


def make_volume(cls=GaussianMixtureVolume):
    rng = np.random.default_rng(6)
    return cls(POSITIONS, rng.normal(size=(N, K)), rng.uniform(1, 2, (N, K)))


def make_atoms(extra_b_factors=None):
    return GaussianMixtureVolume.from_tabulated_parameters(
        POSITIONS, PengScatteringFactorParameters(ATOMIC_NUMBERS), extra_b_factors
    )


# Shapes.

SHAPES = {"scalar": (), "n": (N,), "n by 1": (N, 1), "n by k": (N, K)}


@pytest.mark.parametrize("shape_of_variances", SHAPES)
@pytest.mark.parametrize("shape_of_amplitudes", SHAPES)
def test_amplitudes_and_variances_broadcast_to_a_row_a_position(
    shape_of_amplitudes, shape_of_variances
):
    rng = np.random.default_rng(6)
    amplitudes = rng.normal(size=SHAPES[shape_of_amplitudes])
    variances = rng.uniform(1, 2, SHAPES[shape_of_variances])
    volume = GaussianMixtureVolume(POSITIONS, amplitudes, variances)
    k = K if "n by k" in (shape_of_amplitudes, shape_of_variances) else 1
    for given_array, array in [(amplitudes, volume.amplitudes), (variances, volume.variances)]:
        assert array.shape == (N, k)
        for j in range(N):
            row = given_array if np.ndim(given_array) == 0 else given_array[j]
            np.testing.assert_array_equal(array[j], np.broadcast_to(row, k))


def test_as_many_gaussians_as_positions_are_one_each():
    # (n,) is never read as the k of all positions.
    square = GaussianMixtureVolume(np.eye(3), [1, 2, 3], 1.0)
    np.testing.assert_array_equal(square.amplitudes, [[1], [2], [3]])


@pytest.mark.parametrize("k", [1, 5])
def test_there_may_be_no_position(k):
    volume = GaussianMixtureVolume(np.zeros((0, 3)), np.ones((0, k)), 1.0)
    assert volume.positions.shape == (0, 3)
    assert volume.amplitudes.shape == volume.variances.shape == (0, k)


def test_fields_are_read_only_contiguous_float64_copies():
    arrays = [np.arange(6).reshape(2, 3), np.array([1, 2], ">f4"), np.ones((2, 2))[:, ::-1]]
    volume = GaussianMixtureVolume(*arrays)
    for array in arrays:
        array[:] = 7  # They can still be written to, and the volume does not notice.
    np.testing.assert_array_equal(volume.positions, [[0, 1, 2], [3, 4, 5]])
    np.testing.assert_array_equal(volume.amplitudes, [[1, 1], [2, 2]])
    np.testing.assert_array_equal(volume.variances, np.ones((2, 2)))
    for name in FIELDS:
        array = getattr(volume, name)
        assert array.dtype == np.dtype(np.float64)
        assert array.flags.c_contiguous
        with pytest.raises(ValueError, match="read-only"):
            array[...] = 1


# Atoms.


@pytest.mark.parametrize("extra", [None, 0, 20.0, [10.0, 20.0, 30.0, 40.0], -0.05])
def test_atoms_have_the_variance_of_the_tables_b_and_their_own(extra):
    parameters = PengScatteringFactorParameters(ATOMIC_NUMBERS)
    volume = make_atoms(extra)
    np.testing.assert_array_equal(volume.positions, POSITIONS)
    np.testing.assert_array_equal(volume.amplitudes, parameters.a)
    for j in range(N):
        own = 0 if extra is None else np.broadcast_to(extra, N)[j]
        for i in range(5):
            expected = (parameters.b[j, i] + own) / (8 * np.pi**2)
            # An addition, a product and a division.
            assert volume.variances[j, i] == pytest.approx(expected, rel=1e-15)


def test_b_factors_may_be_a_column():
    assert make_atoms(np.ones((N, 1))) == make_atoms(1.0)


def test_no_atom_makes_an_empty_volume():
    parameters = PengScatteringFactorParameters([])
    volume = GaussianMixtureVolume.from_tabulated_parameters(np.zeros((0, 3)), parameters, 20.0)
    assert volume.amplitudes.shape == volume.variances.shape == (0, 5)


# Poses.

angles = st.tuples(*[st.floats(-360, 360)] * 3)


@given(angles, st.booleans())
def test_rotation_turns_positions_and_nothing_else(angles, inverse):
    volume = make_volume()
    # The offset of the pose is not used.
    turned = volume.rotate_to_pose(EulerAnglePose(1, 2, *angles), inverse=inverse)
    matrix = naive.rotation_zyz(*angles)
    expected = POSITIONS @ (matrix if inverse else matrix.T)  # R r, of rows
    np.testing.assert_allclose(turned.positions, expected, rtol=0, atol=1e-12)  # eps * 30 * few
    np.testing.assert_array_equal(turned.amplitudes, volume.amplitudes)
    np.testing.assert_array_equal(turned.variances, volume.variances)


@given(angles)
def test_the_inverse_turns_back(angles):
    pose = EulerAnglePose(0, 0, *angles)
    back = make_volume().rotate_to_pose(pose).rotate_to_pose(pose, inverse=True)
    np.testing.assert_allclose(back.positions, POSITIONS, rtol=0, atol=1e-12)


@pytest.mark.parametrize("cls", [QuaternionPose, AxisAnglePose])
def test_every_kind_of_pose_turns_alike(cls):
    pose = EulerAnglePose(0, 0, 20, 50, 70)
    expected = make_volume().rotate_to_pose(pose).positions
    turned = make_volume().rotate_to_pose(cls.from_pose(pose)).positions
    np.testing.assert_allclose(turned, expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize(
    ("pose", "expected"),
    [
        (EulerAnglePose(1.5, -2.5, 20, 50, 70), [1.5, -2.5, 0]),
        (EulerAnglePose(1.5, -2.5, 20, 50, 70, offset_z_in_angstroms=3.5), [1.5, -2.5, 3.5]),
        (EulerAnglePose(phi_angle=30), [0, 0, 0]),
    ],
    ids=["two components", "three components", "no offset"],
)
def test_translation_moves_positions_and_nothing_else(pose, expected):
    volume = make_volume()
    moved = volume.translate_to_pose(pose)
    np.testing.assert_array_equal(moved.positions, POSITIONS + expected)
    np.testing.assert_array_equal(moved.amplitudes, volume.amplitudes)
    np.testing.assert_array_equal(moved.variances, volume.variances)
    np.testing.assert_array_equal(volume.positions, POSITIONS)


@pytest.mark.parametrize("move", ["rotate_to_pose", "translate_to_pose"])
@pytest.mark.parametrize("n_poses", [1, 2])
def test_many_poses_are_an_error(move, n_poses):
    poses = EulerAnglePose(np.ones(n_poses))
    with pytest.raises(ValueError, match=f"expected one pose, got .*{n_poses}"):
        getattr(make_volume(), move)(poses)


@pytest.mark.parametrize("move", ["rotate_to_pose", "translate_to_pose"])
def test_a_subclass_stays_one(move):
    class OtherVolume(GaussianMixtureVolume):
        pass

    moved = getattr(make_volume(OtherVolume), move)(EulerAnglePose(1, 2, 3))
    assert type(moved) is OtherVolume


def test_a_volume_represents_itself():
    volume = make_volume()
    assert volume.get_representation() is volume
    assert volume.get_representation(rng=3) is volume


def test_a_mixture_is_every_kind_of_abstract_volume():
    abstract = (
        AbstractAtomVolume,
        AbstractVolumeRepresentation,
        AbstractVolumeParametrization,
    )
    for cls in abstract:
        assert isinstance(make_volume(), cls)
        with pytest.raises(TypeError, match="abstract"):
            cls()


# Values.


def test_a_volume_is_frozen():
    volume = make_volume()
    for name in FIELDS:
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(volume, name, np.ones(3))
        with pytest.raises(dataclasses.FrozenInstanceError):
            delattr(volume, name)


@pytest.mark.parametrize(
    "duplicate",
    [copy.copy, copy.deepcopy, dataclasses.replace, lambda v: pickle.loads(pickle.dumps(v))],
    ids=["copy", "deepcopy", "replace", "pickle"],
)
def test_a_duplicate_is_equal_and_read_only(duplicate):
    volume = make_volume()
    other = duplicate(volume)
    assert type(other) is GaussianMixtureVolume
    assert other is not volume
    assert other == volume
    assert hash(other) == hash(volume)
    for name in FIELDS:
        np.testing.assert_array_equal(getattr(other, name), getattr(volume, name))
        assert not getattr(other, name).flags.writeable


@pytest.mark.parametrize("name", FIELDS)
def test_replace_changes_one_field(name):
    volume = make_volume()
    changed = dataclasses.replace(volume, **{name: getattr(volume, name) + 1})
    assert changed != volume
    for other in FIELDS:
        expected = getattr(volume, other) + (other == name)
        np.testing.assert_array_equal(getattr(changed, other), expected)


def test_replace_checks_the_new_value():
    with pytest.raises(ValueError, match="variances"):
        dataclasses.replace(make_volume(), variances=-1.0)


def test_one_element_makes_a_difference():
    for name in FIELDS:
        values = {field: getattr(make_volume(), field).copy() for field in FIELDS}
        values[name][-1, -1] = np.nextafter(values[name][-1, -1], np.inf)
        assert GaussianMixtureVolume(**values) != make_volume()


def test_volumes_of_other_shapes_are_not_equal():
    one = GaussianMixtureVolume(np.zeros((1, 3)), 1.0, 1.0)
    assert one != GaussianMixtureVolume(np.zeros((2, 3)), 1.0, 1.0)
    assert one != GaussianMixtureVolume(np.zeros((1, 3)), 1.0, np.ones((1, 2)))
    assert one != GaussianMixtureVolume(np.zeros((0, 3)), 1.0, 1.0)


def test_comparison_is_a_bool_for_anything():
    class OtherVolume(GaussianMixtureVolume):
        pass

    volume = make_volume()
    for other in (None, 1, "volume", POSITIONS, np.float64(1), make_volume(OtherVolume)):
        assert (volume == other) is False
        assert (other == volume) is False
        assert (volume != other) is True


def test_the_repr_is_short():
    assert repr(make_volume()) == "GaussianMixtureVolume(4 positions, 3 Gaussians each)"
    one = GaussianMixtureVolume(np.zeros((1, 3)), 1.0, 1.0)
    assert repr(one) == "GaussianMixtureVolume(1 position, 1 Gaussian each)"


# Errors.


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("positions", np.ones((N, 2)), r"expected shape \(n, 3\), got \(4, 2\)"),
        ("positions", np.ones(3), r"expected shape \(n, 3\), got \(3,\)"),
        ("positions", [], r"expected shape \(n, 3\), got \(0,\)"),
        ("positions", np.ones((2, N, 3)), r"expected shape \(n, 3\), got \(2, 4, 3\)"),
        ("positions", np.full((N, 3), np.nan), r"expected finite values, got nan \(12 of 12\)"),
        ("positions", [[0, 0, -np.inf]] * N, r"expected finite values, got -inf \(4 of 12\)"),
        ("positions", [[0, 0, 1j]] * N, "expected real numbers, got dtype complex128"),
        ("positions", [["a", "b", "c"]] * N, "expected real numbers, got dtype <U1"),
        ("positions", [[0, 0, 0], [0, 0]], "expected an array of real numbers, got rows of unequ"),
        ("positions", None, "expected real numbers, got dtype object"),
        ("amplitudes", np.ones(N + 1), r"expected a scalar or shape \(4,\) or \(4, k\), got .*5"),
        ("amplitudes", np.ones((1, K)), r"expected a scalar or shape .* got shape \(1, 3\)"),
        ("amplitudes", np.ones((N, 0)), r"expected a scalar or shape .* got shape \(4, 0\)"),
        ("amplitudes", np.ones((N, K, 1)), r"expected a scalar or shape .* got shape \(4, 3, 1\)"),
        ("amplitudes", np.nan, r"expected finite values, got nan \(1 of 1\)"),
        ("amplitudes", [1, 2, np.inf, -np.inf], r"expected finite values, got inf \(2 of 4\)"),
        ("amplitudes", 1j, "expected real numbers, got dtype complex128"),
        ("variances", np.ones(N - 1), r"expected a scalar or shape \(4,\) or \(4, k\), got .*3"),
        ("variances", 0.0, r"expected values above 0, got 0.0 \(1 of 1\)"),
        ("variances", [1, -2, 3, -1], r"expected values above 0, got -2.0 \(2 of 4\)"),
        ("variances", [1, 1, 1, np.nan], r"expected finite values, got nan \(1 of 4\)"),
        ("variances", np.inf, r"expected finite values, got inf \(1 of 1\)"),
    ],
)
def test_a_wrong_argument_is_an_error_that_names_it(name, value, message):
    arguments = {"positions": POSITIONS, "amplitudes": 1.0, "variances": 1.0} | {name: value}
    with pytest.raises(ValueError, match=f"^{name}: {message}"):
        GaussianMixtureVolume(**arguments)


def test_rows_of_two_lengths_are_an_error():
    message = r"^amplitudes and variances: .* got shapes \(4, 2\) and \(4, 3\)"
    with pytest.raises(ValueError, match=message):
        GaussianMixtureVolume(POSITIONS, np.ones((N, 2)), np.ones((N, 3)))


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("atom_positions", np.ones((N, 2)), r"expected shape \(n, 3\), got \(4, 2\)"),
        ("atom_positions", [[0, 0, np.nan]] * N, r"expected finite values, got nan \(4 of 12\)"),
        ("atom_positions", POSITIONS[:3], None),
        ("extra_b_factors", np.ones(3), r"expected a scalar or shape \(4,\) .* got shape \(3,\)"),
        ("extra_b_factors", np.ones((N, 5)), r"expected one an atom, got shape \(4, 5\)"),
        ("extra_b_factors", np.nan, r"expected finite values, got nan"),
        ("extra_b_factors", -1000.0, r"expected .* above 0, got -1000.0 \(in 4 of 4 atoms"),
        (
            "extra_b_factors",
            [0, 0, 0, -1000.0],
            r"expected .* above 0, got -1000.0 \(in 1 of 4 atoms",
        ),
    ],
)
def test_a_wrong_argument_of_atoms_is_an_error_that_names_it(name, value, message):
    arguments = {
        "atom_positions": POSITIONS,
        "parameters": PengScatteringFactorParameters(ATOMIC_NUMBERS),
    } | {name: value}
    if message is None:
        name, message = "parameters", "expected those of 3 atoms, as atom_positions has, got .* 4"
    with pytest.raises(ValueError, match=f"^{name}: {message}"):
        GaussianMixtureVolume.from_tabulated_parameters(**arguments)
