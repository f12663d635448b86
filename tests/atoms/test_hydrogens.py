"""Hydrogens that a monomer library places."""

from __future__ import annotations

from typing import TYPE_CHECKING

import gemmi
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from monomers import CH, NH, OH, write_monomer_library
from scipy.spatial.transform import Rotation

import numbavol
from numbavol.atoms import Atoms, StructureWarning, load_atoms
from numbavol.atoms.hydrogens import add_hydrogens
from numbavol.atoms.load_options import LoadOptions
from numbavol.atoms.loading import load_with_notes

if TYPE_CHECKING:
    from pathlib import Path

# A glycine and a serine whose side chain has two alternates, a water and its hydrogen.
ATOMS = [
    "ATOM      1  N   GLY A   1       0.000   0.000   0.000  1.00 10.00           N",
    "ATOM      2  CA  GLY A   1       1.460   0.000   0.000  1.00 11.00           C",
    "ATOM      3  C   GLY A   1       2.000   1.420   0.000  1.00 12.00           C",
    "ATOM      4  O   GLY A   1       1.250   2.390   0.000  1.00 13.00           O",
    "ATOM      5  N   SER A   2       3.320   1.560   0.000  1.00 14.00           N",
    "ATOM      6  CA  SER A   2       3.960   2.870   0.000  1.00 15.00           C",
    "ATOM      7  C   SER A   2       5.480   2.750   0.000  1.00 16.00           C",
    "ATOM      8  O   SER A   2       6.060   1.660   0.000  1.00 17.00           O",
    "ATOM      9  OXT SER A   2       6.100   3.800   0.000  1.00 17.00           O",
    "ATOM     10  CB ASER A   2       3.480   3.660   1.220  0.60 18.00           C",
    "ATOM     11  CB BSER A   2       3.500   3.640   1.240  0.40 19.00           C",
    "ATOM     12  OG ASER A   2       3.900   2.990   2.400  0.60 20.00           O",
    "ATOM     13  OG BSER A   2       4.000   4.960   1.200  0.40 21.00           O",
    "HETATM   14  O   HOH A 101       9.000   9.000   9.000  1.00 30.00           O",
    "HETATM   15  D1  DOD A 102       9.000   8.000   8.000  1.00 30.00           D",
]
STRAY = "ATOM     16  HA2 GLY A   1       9.000   9.000   0.000  1.00 40.00           H"
LIGAND = "HETATM   17  C1  LIG A   3       4.000   8.000   0.000  1.00 10.00           C"
N_HYDROGENS = 14


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_monomer_library(tmp_path_factory.mktemp("library") / "monomers")


def write(folder: Path, lines: list[str] | None = None) -> Path:
    path = folder / "peptide.pdb"
    path.write_text("\n".join([*(ATOMS if lines is None else lines), "END", ""]))
    return path


def hydrogens_of(atoms: Atoms) -> Atoms:
    return atoms[(atoms.atomic_numbers == 1) & (atoms.residue_names != "DOD")]


def parents_of(atoms: Atoms) -> np.ndarray:
    """The nearest heavy atom of the same alternate, of each hydrogen."""
    hydrogens, heavy = hydrogens_of(atoms), np.flatnonzero(atoms.atomic_numbers > 1)
    distances = np.linalg.norm(hydrogens.positions[:, None] - atoms.positions[heavy], axis=-1)
    alternates = atoms.alternates[heavy]
    is_other = (
        (hydrogens.alternates[:, None] != alternates)
        & (hydrogens.alternates[:, None] != "")
        & (alternates != "")
    )
    return heavy[np.where(is_other, np.inf, distances).argmin(axis=1)]


def test_hydrogens_are_where_the_librarys_bonds_put_them(tmp_path: Path, library: Path) -> None:
    atoms = load_atoms(write(tmp_path), hydrogens="add", monomer_library=library)
    hydrogens, parents = hydrogens_of(atoms), parents_of(atoms)
    assert len(hydrogens) == N_HYDROGENS
    lengths = np.linalg.norm(hydrogens.positions - atoms.positions[parents], axis=1)
    expected = [{7: NH, 6: CH, 8: OH}[z] for z in atoms.atomic_numbers[parents]]
    np.testing.assert_allclose(lengths, expected, atol=1e-6)
    # A link between the residues takes two of the three at the serine's nitrogen.
    assert sorted(hydrogens[hydrogens.residue_numbers == "2"].names) == sorted(
        ["H", "HA", "HA", "HB2", "HB2", "HB3", "HB3", "HG", "HG"]
    )


def test_hydrogens_count_as_the_atoms_that_they_ride_on(tmp_path: Path, library: Path) -> None:
    atoms = load_atoms(write(tmp_path), hydrogens="add", monomer_library=library)
    hydrogens, parents = hydrogens_of(atoms), parents_of(atoms)
    np.testing.assert_array_equal(hydrogens.b_factors, atoms.b_factors[parents])
    is_settled = hydrogens.names != "HG"
    assert np.all(hydrogens.occupancies[~is_settled] == 0)
    for name in ("H", "HA", "HB2", "HA2"):
        assert hydrogens.occupancies[hydrogens.names == name].sum() == pytest.approx(
            2.0 if name == "H" else 1.0
        )
    # At a carbon of one place they have the alternates of what it is bonded to.
    assert hydrogens.alternates[hydrogens.names == "HA"].tolist() == ["A", "B"]


def test_those_of_the_file_are_replaced_and_waters_are_left(tmp_path: Path, library: Path) -> None:
    path = write(tmp_path, [*ATOMS, STRAY])
    options = LoadOptions(hydrogens="add", monomer_library=library)
    loaded = load_with_notes(path, options)
    assert loaded.notes == (
        f"{N_HYDROGENS} riding hydrogens in the place of 1 of the file, 2 of occupancy 0",
    )
    assert loaded.problems == ()
    assert loaded.n_selected == sum(loaded.n_sites.values()) == len(loaded.atoms)
    names = loaded.atoms.names[np.isin(loaded.atoms.residue_names, ["HOH", "DOD"])]
    assert len(names) == 2
    # What is added has the labels of its residue, and the rest of the file its own.
    plain = load_atoms(path)
    assert set(loaded.atoms.subchains) == set(plain.subchains)


def test_hydrogens_are_those_of_the_whole_molecule_whatever_is_selected(
    tmp_path: Path, library: Path
) -> None:
    options = {"hydrogens": "add", "monomer_library": library}
    whole = load_atoms(write(tmp_path), **options)
    part = load_atoms(write(tmp_path), selection_string="A/2", **options)
    expected = whole[whole.residue_numbers == "2"]
    np.testing.assert_array_equal(part.positions, expected.positions)
    without = load_atoms(write(tmp_path), selection_string="[!H,D]", **options)
    assert len(hydrogens_of(without)) == 0


@pytest.mark.parametrize("alternates", ["highest", "A", "B"])
def test_hydrogens_of_one_alternate_count_in_full(
    tmp_path: Path, library: Path, alternates: str
) -> None:
    atoms = load_atoms(
        write(tmp_path), hydrogens="add", monomer_library=library, alternates=alternates
    )
    hydrogens = hydrogens_of(atoms)
    assert len(set(zip(atoms.residue_numbers, atoms.names, strict=True))) == len(atoms)
    assert np.all(hydrogens.occupancies[hydrogens.names != "HG"] == pytest.approx(1.0))


def test_every_model_has_its_own(tmp_path: Path, library: Path) -> None:
    moved = [f"{line[:30]}{float(line[30:38]) + 1:8.3f}{line[38:]}" for line in ATOMS]
    lines = ["MODEL        1", *ATOMS, "ENDMDL", "MODEL        2", *moved, "ENDMDL"]
    options = LoadOptions(models="all", hydrogens="add", monomer_library=library)
    first, second = load_with_notes(write(tmp_path, lines), options).models
    np.testing.assert_allclose(
        second.positions - first.positions, [[1.0, 0, 0]] * len(first), atol=1e-9
    )


@given(
    angles=st.tuples(*[st.floats(-180, 180)] * 3),
    shift=st.tuples(*[st.floats(-50, 50)] * 3),
)
def test_hydrogens_turn_and_move_with_the_molecule(
    library: Path, angles: tuple[float, float, float], shift: tuple[float, float, float]
) -> None:
    rotation = Rotation.from_euler("zyz", angles, degrees=True).as_matrix()
    structures = [gemmi.read_pdb_string("\n".join(ATOMS)) for _ in range(2)]
    transform = gemmi.Transform()
    transform.mat.fromlist(rotation.tolist())
    transform.vec.fromlist(list(shift))
    structures[1][0].transform_pos_and_adp(transform)
    for structure in structures:
        add_hydrogens("peptide", structure, [1], "all", library)
    still, moved = (Atoms.from_gemmi(structure) for structure in structures)
    assert len(hydrogens_of(still)) == N_HYDROGENS
    np.testing.assert_allclose(moved.positions, still.positions @ rotation.T + shift, atol=1e-9)


def test_the_environment_says_where_the_library_is(
    tmp_path: Path, library: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path)
    given_library = load_atoms(path, hydrogens="add", monomer_library=library)
    monkeypatch.setenv("CLIBD_MON", str(library))
    assert load_atoms(path, hydrogens="add") == given_library
    # With nothing to add it is not read.
    monkeypatch.setenv("CLIBD_MON", str(tmp_path / "nowhere"))
    assert len(load_atoms(path)) == len(ATOMS)


def test_without_a_library_the_error_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CLIBD_MON", raising=False)
    with pytest.raises(ValueError, match=r"monomer_library: expected the folder .* CLIBD_MON"):
        load_atoms(write(tmp_path), hydrogens="add")
    with pytest.raises(ValueError, match=r"monomer_library: expected the folder .*nowhere"):
        load_atoms(write(tmp_path), hydrogens="add", monomer_library=tmp_path / "nowhere")


def test_residues_that_are_not_in_the_library_are_named(tmp_path: Path, library: Path) -> None:
    path = write(tmp_path, [*ATOMS, LIGAND])
    options = {"hydrogens": "add", "monomer_library": library}
    with pytest.raises(ValueError, match=r"does not have LIG; selection_string='\(!LIG\)' leaves"):
        load_atoms(path, **options)
    assert len(hydrogens_of(load_atoms(path, selection_string="(!LIG)", **options))) == N_HYDROGENS
    few = write_monomer_library(tmp_path / "few", ("HOH",))
    with pytest.raises(ValueError, match="does not have GLY, LIG, SER;"):
        load_atoms(path, hydrogens="add", monomer_library=few)


def test_a_damaged_monomer_is_named_with_what_is_wrong(tmp_path: Path) -> None:
    damaged = write_monomer_library(tmp_path / "damaged")
    (damaged / "s" / "SER.cif").write_text("data_comp_SER\nloop_\n")
    with pytest.raises(ValueError, match=r"does not have SER \(Failed to read SER"):
        load_atoms(write(tmp_path), hydrogens="add", monomer_library=damaged)
    (damaged / "ener_lib.cif").write_text("nothing")
    with pytest.raises(ValueError, match="monomer_library: expected the folder of a monomer lib"):
        load_atoms(write(tmp_path), hydrogens="add", monomer_library=damaged)


def test_a_monomer_that_contradicts_itself_is_named(tmp_path: Path) -> None:
    library = write_monomer_library(tmp_path / "library")
    glycine = library / "g" / "GLY.cif"
    glycine.write_text(glycine.read_text().replace("GLY HA2 H H", "GLY HX2 H H"))
    with pytest.raises(ValueError, match=r"gemmi cannot place them: inconsistent .* GLY"):
        load_atoms(write(tmp_path), hydrogens="add", monomer_library=library)


def test_a_hydrogen_that_cannot_be_placed_is_named(tmp_path: Path, library: Path) -> None:
    # The first two atoms at one place.
    lines = [ATOMS[0], ATOMS[1][:30] + ATOMS[0][30:54] + ATOMS[1][54:], *ATOMS[2:]]
    path = write(tmp_path, lines)
    options = {"hydrogens": "add", "monomer_library": library}
    with pytest.raises(
        ValueError, match=r"cannot be placed; the first is H of GLY 1; gemmi: .*overlap"
    ):
        load_atoms(path, **options)
    assert len(load_atoms(path, selection_string="A/102", **options)) == 1


def test_a_hydrogen_between_atoms_in_a_row_is_named(tmp_path: Path, library: Path) -> None:
    # CA, CB and OG on a line: nothing is at the angles of the library.
    lines = [*ATOMS[:9], *(line[:16] + " " + line[17:] for line in (ATOMS[9], ATOMS[11]))]
    for number, z in ((9, 1.52), (10, 2.94)):
        lines[number] = f"{lines[number][:30]}   3.960   2.870{z:8.3f}{lines[number][54:]}"
    with pytest.raises(ValueError, match=r"3 cannot be placed; the first is HB2 of SER 2"):
        load_atoms(write(tmp_path, lines), hydrogens="add", monomer_library=library)


def test_what_gemmi_remarks_is_a_warning(tmp_path: Path, library: Path) -> None:
    lines = [line.replace(" OXT", " OXU") for line in ATOMS]
    with pytest.warns(StructureWarning, match=r"1 remarks? of gemmi on the bonds.*OXU"):
        atoms = load_atoms(write(tmp_path, lines), hydrogens="add", monomer_library=library)
    assert len(hydrogens_of(atoms)) == N_HYDROGENS


@pytest.mark.parametrize("chain", ["A", "AB"])
def test_insertion_codes_and_two_letter_chains_are_kept(
    tmp_path: Path, library: Path, chain: str
) -> None:
    lines = [f"{line[:20]}{chain:>2}{line[22:26]}C{line[27:]}" for line in ATOMS]
    atoms = load_atoms(write(tmp_path, lines), hydrogens="add", monomer_library=library)
    hydrogens = hydrogens_of(atoms)
    assert len(hydrogens) == N_HYDROGENS
    assert set(hydrogens.chains) == {chain}
    assert set(hydrogens.residue_numbers) == {"1C", "2C"}


def test_added_hydrogens_are_in_the_volume(tmp_path: Path, library: Path) -> None:
    options = {"hydrogens": "add", "monomer_library": library}
    atoms = load_atoms(write(tmp_path), **options)
    volume = numbavol.load_tabulated_volume(write(tmp_path), **options)
    assert len(volume.positions) == len(atoms)
    amplitudes = numbavol.PengScatteringFactorParameters(atoms.atomic_numbers).a.sum(axis=1)
    assert volume.amplitudes.sum() == pytest.approx(amplitudes @ atoms.occupancies)
