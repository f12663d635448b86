"""`Atoms`: atoms as one value."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import gemmi
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from numbavol.atoms import Atoms, StructureWarning, load_atoms, read_atoms_from_pdb
from numbavol.data import enterotoxin

PEPTIDE = Path(__file__).parent.parent / "data" / "3al1.cif.gz"
SAMPLE = load_atoms(enterotoxin())
COLUMNS = ("names", "alternates", "residue_names", "residue_numbers", "chains")


def some_atoms(n: int) -> Atoms:
    rng = np.random.default_rng(n)
    return Atoms.from_arrays(
        rng.normal(size=(n, 3)),
        rng.integers(1, 90, n),
        b_factors=rng.uniform(0, 99, n),
        occupancies=rng.uniform(0, 1, n),
        charges=rng.integers(-2, 3, n),
        names=[f"N{i}" for i in range(n)],
        chains=[["A", "BC"][i % 2] for i in range(n)],
        residue_numbers=[f"{i // 3}A" for i in range(n)],
    )


def test_the_atoms_are_those_of_read_atoms_from_pdb() -> None:
    positions, atomic_numbers, properties = read_atoms_from_pdb(
        enterotoxin(), loads_properties=True, center=False
    )
    np.testing.assert_array_equal(SAMPLE.positions, positions)
    np.testing.assert_array_equal(SAMPLE.atomic_numbers, atomic_numbers)
    for name in ("b_factors", "occupancies", "charges", "masses"):
        np.testing.assert_array_equal(getattr(SAMPLE, name), properties[name])


def test_the_centre_of_mass_is_what_reading_subtracts() -> None:
    _, _, properties = read_atoms_from_pdb(enterotoxin(), loads_properties=True)
    np.testing.assert_allclose(SAMPLE.center_of_mass, properties["center"], atol=1e-9)


def test_atoms_share_no_memory_that_can_be_written_to() -> None:
    positions, names = np.zeros((2, 3)), np.array(["N", "CA"])
    atoms = Atoms.from_arrays(positions, 6, names=names)
    other = dataclasses.replace(atoms, positions=positions)
    positions[0], names[0] = 3.0, "C"
    for each in (atoms, other):
        assert each.positions.max() == 0.0
        assert each.names.tolist() == ["N", "CA"]
    for kept in (*vars(SAMPLE).values(), *vars(SAMPLE.labels).values()):
        assert not isinstance(kept, np.ndarray) or not kept.flags.writeable


def test_no_atoms_have_no_centre() -> None:
    with pytest.raises(ValueError, match="center_of_mass: expected atoms, there are none"):
        _ = SAMPLE[:0].center_of_mass


@given(data=st.data(), n=st.integers(0, 12))
def test_an_index_means_what_it_means_to_each_array(data: st.DataObject, n: int) -> None:
    atoms = some_atoms(n)
    index = data.draw(
        st.one_of(
            st.slices(n),
            st.lists(st.booleans(), min_size=n, max_size=n),
            st.lists(st.integers(0, n - 1), max_size=20) if n else st.just([]),
        )
    )
    taken = atoms[index]
    numbers = np.arange(n)[index if isinstance(index, slice) or index else []]
    assert len(taken) == len(numbers)
    for name in (*COLUMNS, "positions", "atomic_numbers", "b_factors", "occupancies", "charges"):
        np.testing.assert_array_equal(getattr(taken, name), getattr(atoms, name)[numbers])


def test_one_number_takes_one_atom() -> None:
    assert SAMPLE[-1].positions.shape == (1, 3)
    with pytest.raises(IndexError):
        SAMPLE[len(SAMPLE)]
    with pytest.raises(IndexError):
        SAMPLE[[True, False]]


def test_gemmi_and_back_is_the_same() -> None:
    back = Atoms.from_gemmi(SAMPLE.to_gemmi())
    for name in (*COLUMNS, "positions", "atomic_numbers", "b_factors", "occupancies", "charges"):
        np.testing.assert_array_equal(getattr(back, name), getattr(SAMPLE, name), err_msg=name)


def test_anisotropic_atoms_of_gemmi_have_the_b_factors_of_load_atoms() -> None:
    structure = gemmi.read_structure(str(PEPTIDE))
    before = structure.make_pdb_string()
    with pytest.warns(StructureWarning):
        atoms = load_atoms(PEPTIDE)
    np.testing.assert_array_equal(Atoms.from_gemmi(structure).b_factors, atoms.b_factors)
    assert structure.make_pdb_string() == before


def test_a_model_is_taken_by_its_number() -> None:
    structure = SAMPLE[:3].to_gemmi()
    other = structure[0].clone()
    other.num = 7
    other[0][0][0].occ = 0.25
    structure.add_model(other)
    assert Atoms.from_gemmi(structure, model=7).occupancies[0] == 0.25
    assert Atoms.from_gemmi(structure).occupancies[0] == 1.0
    with pytest.raises(ValueError, match=r"model: expected one of \[1, 7\], got 2"):
        Atoms.from_gemmi(structure, model=2)


def test_copies_are_turned_and_moved_and_share_labels() -> None:
    atoms = some_atoms(5)
    rotations = Rotation.random(3, rng=0).as_matrix()
    translations = np.arange(9.0).reshape(3, 3)
    copies = atoms.repeat(rotations, translations)
    for n in range(3):
        own = copies[5 * n : 5 * n + 5]
        expected = atoms.positions @ rotations[n].T + translations[n]
        np.testing.assert_allclose(own.positions, expected, atol=1e-12)
        np.testing.assert_array_equal(own.b_factors, atoms.b_factors)
        np.testing.assert_array_equal(own.names, atoms.names)
    assert copies.labels is atoms.labels


def test_one_value_stands_for_all_atoms() -> None:
    atoms = Atoms.from_arrays(np.zeros((3, 3)), 6, b_factors=20.0, chains="A")
    assert atoms.b_factors.tolist() == [20.0] * 3
    assert atoms.chains.tolist() == ["A"] * 3
    assert atoms.masses == pytest.approx([gemmi.Element("C").weight] * 3)
    assert repr(atoms) == "Atoms(3: C 3)"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"positions": np.zeros(3)}, r"positions: expected shape \(n, 3\), got \(3,\)"),
        ({"positions": [[0, 0, np.nan]] * 2}, "positions: "),
        ({"atomic_numbers": [6, 6, 6]}, r"atomic_numbers: expected one value or 2"),
        ({"atomic_numbers": [0, 6]}, "atomic_numbers"),
        ({"b_factors": [1.0, 2.0, 3.0]}, "b_factors: expected one value or 2"),
        ({"occupancies": np.inf}, "occupancies: "),
        ({"charges": [0.7, 0.0]}, "charges: expected whole numbers, got 0.7"),
        ({"charges": "+"}, "charges: expected real numbers"),
        ({"chains": ["A"]}, r"chains: expected one value or 2, one an atom, got shape \(1,\)"),
    ],
)
def test_bad_arrays_are_named(arguments: dict[str, object], message: str) -> None:
    good = {"positions": np.zeros((2, 3)), "atomic_numbers": 6}
    with pytest.raises(ValueError, match=message):
        Atoms.from_arrays(**{**good, **arguments})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("field", "value"),
    [("b_factors", 30.0), ("occupancies", 1), ("charges", 2), ("masses", 12.5)],
)
def test_one_number_replaces_those_of_all_atoms(field: str, value: float) -> None:
    atoms = dataclasses.replace(some_atoms(5), **{field: value})
    assert getattr(atoms[1:3], field).tolist() == [value] * 2
    assert getattr(atoms.repeat(np.eye(3)[np.newaxis], np.zeros((1, 3))), field).shape == (5,)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"b_factors": [1.0, 2.0]}, r"b_factors: expected one value or 5, .* got shape \(2,\)"),
        ({"b_factors": np.nan}, "b_factors: expected finite values"),
        ({"positions": np.zeros((4, 3))}, "expected one value or 4"),
        ({"charges": 0.5}, "charges: expected whole numbers, got 0.5"),
        ({"label_numbers": 5}, "label_numbers: expected numbers of 5 labels, from 0 on"),
        ({"label_numbers": -1}, "label_numbers: expected numbers of 5 labels, from 0 on"),
    ],
)
def test_what_atoms_cannot_be_replaced_by_is_named(
    changes: dict[str, object], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        dataclasses.replace(some_atoms(5), **changes)  # type: ignore[arg-type]


def test_atoms_of_arrays_are_copies_of_them() -> None:
    b_factors = np.array([1.0, 2.0])
    atoms = Atoms.from_arrays(np.zeros((2, 3)), 6, b_factors=b_factors)
    b_factors[:] = 9.0
    assert atoms.b_factors.tolist() == [1.0, 2.0]


def test_copies_are_chains_of_their_own_in_gemmi() -> None:
    atoms = Atoms.from_arrays(
        np.arange(9.0).reshape(3, 3), 6, names=["N", "CA", "CA"], residue_numbers=["1", "1", "2"],
        residue_names="GLY", chains=["A", "A", "A2"],
    )  # fmt: skip
    copies = atoms.repeat(np.stack([np.eye(3)] * 3), np.zeros((3, 3)))
    # Whatever the order, each atom is one of its own copy.
    for some in (copies, copies[[0, 1, 3, 4, 6, 7, 2, 5, 8]]):
        structure = some.to_gemmi()
        assert sorted(chain.name for chain in structure[0]) == ["A", "A2", "A22", "A23", "A3", "A4"]
        assert all(len(chain) == 1 for chain in structure[0])
    assert [chain.name for chain in atoms[::-1].to_gemmi()[0]] == ["A2", "A"]


def test_equal_atoms_are_equal_values() -> None:
    atoms = some_atoms(4)
    assert atoms == some_atoms(4)
    assert atoms != dataclasses.replace(atoms, b_factors=atoms.b_factors + 1)
    assert hash(atoms) == hash(some_atoms(4))
