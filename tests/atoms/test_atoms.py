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
        ({"chains": ["A"]}, r"chains: expected one value or 2, one an atom, got shape \(1,\)"),
    ],
)
def test_bad_arrays_are_named(arguments: dict[str, object], message: str) -> None:
    good = {"positions": np.zeros((2, 3)), "atomic_numbers": 6}
    with pytest.raises(ValueError, match=message):
        Atoms.from_arrays(**{**good, **arguments})  # type: ignore[arg-type]


def test_equal_atoms_are_equal_values() -> None:
    atoms = some_atoms(4)
    assert atoms == some_atoms(4)
    assert atoms != dataclasses.replace(atoms, b_factors=atoms.b_factors + 1)
    assert hash(atoms) == hash(some_atoms(4))
