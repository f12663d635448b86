"""`load_atoms`: what counts, and what is odd."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import gemmi
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from numbavol.atoms import Atoms, StructureWarning, load_atoms, read_atoms_from_pdb
from numbavol.atoms.load_options import LoadOptions
from numbavol.atoms.loading import load_with_notes
from numbavol.data import enterotoxin

PEPTIDE = Path(__file__).parent.parent / "data" / "3al1.cif.gz"
# A serine whose side chain has two alternates, and a water.
LINES = [
    "ATOM      1  CA  SER A   1       1.000   0.000   0.000  1.00 10.00           C",
    "ATOM      2  OG ASER A   1       2.000   0.000   0.000  0.60 20.00           O",
    "ATOM      3  OG BSER A   1       2.000   1.000   0.000  0.30 30.00           O",
    "HETATM    4  O   HOH A   2       5.000   0.000   0.000  1.00 40.00           O",
]


def write(folder: Path, lines: list[str]) -> Path:
    path = folder / "model.pdb"
    path.write_text("\n".join([*lines, "END", ""]))
    return path


def change(line: int, start: int, text: str) -> list[str]:
    """The lines, one of them with another text from a column on, counted from 0."""
    lines = list(LINES)
    lines[line] = lines[line][:start] + text + lines[line][start + len(text) :]
    return lines


def load(path: Path, **options: Any) -> Atoms:
    return load_atoms(path, **options)


def test_all_alternates_count_by_their_occupancy(tmp_path: Path) -> None:
    atoms = load(write(tmp_path, LINES))
    assert atoms.alternates.tolist() == ["", "A", "B", ""]
    assert atoms.occupancies.tolist() == [1.0, 0.6, 0.3, 1.0]


@pytest.mark.parametrize(("alternates", "kept"), [("highest", "A"), ("A", "A"), ("B", "B")])
def test_one_alternate_counts_as_much_as_all(tmp_path: Path, alternates: str, kept: str) -> None:
    atoms = load(write(tmp_path, LINES), alternates=alternates)
    assert atoms.alternates.tolist() == ["", kept, ""]
    assert atoms.occupancies == pytest.approx([1.0, 0.9, 1.0])


def test_waters_and_hydrogens_are_dropped(tmp_path: Path) -> None:
    lines = [*LINES, LINES[0].replace(" CA ", " HA ").replace("  C", "  H")]
    path = write(tmp_path, lines)
    assert load(path, waters="drop", hydrogens="drop").names.tolist() == ["CA", "OG", "OG"]
    loaded = load_with_notes(path, LoadOptions(waters="drop", hydrogens="drop"))
    assert loaded.notes == ("1 waters left out", "1 hydrogens left out")


def test_b_factors_are_replaced_scaled_and_added_to(tmp_path: Path) -> None:
    path = write(tmp_path, LINES)
    assert load(path, b_factors=5.0).b_factors.tolist() == [5.0] * 4
    atoms = load(path, b_factor_scale=0.5, b_factor_offset=3.0)
    assert atoms.b_factors.tolist() == [8.0, 13.0, 18.0, 23.0]


def test_the_one_value_in_place_of_the_files_is_scaled_too(tmp_path: Path) -> None:
    atoms = load(write(tmp_path, LINES), b_factors=10.0, b_factor_scale=2.0, b_factor_offset=1.0)
    assert atoms.b_factors.tolist() == [21.0] * 4


def test_b_factors_are_odd_as_they_come_out(
    tmp_path: Path, recwarn: pytest.WarningsRecorder
) -> None:
    path = write(tmp_path, change(0, 60, "  0.00"))
    load(path, b_factor_offset=5.0)
    load(path, b_factors=0.0)
    assert len(recwarn) == 0
    with pytest.warns(StructureWarning, match="2 atoms with a B-factor below 0"):
        load(path, b_factor_offset=-25.0)


def test_anisotropic_b_factors_become_a_third_of_the_trace() -> None:
    loaded = load_with_notes(PEPTIDE, LoadOptions())
    assert loaded.notes == ("679 anisotropic B-factors as their isotropic equivalents",)
    block = gemmi.cif.read_string(gzip.decompress(PEPTIDE.read_bytes())).sole_block()
    table = block.find("_atom_site_anisotrop.", ["U[1][1]", "U[2][2]", "U[3][3]"])
    traces = np.array([[float(value) for value in row] for row in table]).sum(axis=1)
    np.testing.assert_allclose(
        np.sort(loaded.atoms.b_factors), np.sort(8 * np.pi**2 / 3 * traces), rtol=2e-6
    )


def test_anisotropic_b_factors_that_are_not_selected_are_not_counted() -> None:
    loaded = load_with_notes(PEPTIDE, LoadOptions(selection_string="[N]"))
    (note,) = loaded.notes
    assert note.startswith(f"{len(loaded.atoms)} anisotropic B-factors")
    assert 0 < len(loaded.atoms) < 100


def test_values_of_alternates_that_are_left_out_are_not_odd(
    tmp_path: Path, recwarn: pytest.WarningsRecorder
) -> None:
    path = write(tmp_path, change(2, 60, "  0.00"))
    load(path, alternates="A")
    assert len(recwarn) == 0
    with pytest.warns(StructureWarning, match="1 atoms with a B-factor of 0"):
        load(path, alternates="B")


def test_a_good_file_has_no_warning(recwarn: pytest.WarningsRecorder) -> None:
    load_atoms(enterotoxin())
    assert len(recwarn) == 0


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (change(1, 56, "0.90"), "1 sites whose occupancies sum to more than 1"),
        (change(0, 60, "  0.00"), "1 atoms with a B-factor of 0"),
        (change(0, 60, " -5.00"), "1 atoms with a B-factor below 0"),
        (change(3, 56, "-.10"), "1 atoms with an occupancy below 0"),
        ([*change(3, 56, "0.50"), change(3, 56, "0.50")[3]], "1 atoms that occur more than once"),
        (change(3, 76, " X"), "1 atoms of unknown element left out"),
    ],
)
def test_what_is_odd_is_counted(tmp_path: Path, lines: list[str], message: str) -> None:
    with pytest.warns(StructureWarning, match=message):
        atoms = load(write(tmp_path, lines))
    assert np.all(atoms.atomic_numbers > 0)


def test_alternates_of_one_site_are_not_odd(
    tmp_path: Path, recwarn: pytest.WarningsRecorder
) -> None:
    load(write(tmp_path, change(2, 56, "0.40")))
    assert len(recwarn) == 0


@pytest.mark.parametrize("alternates", ["highest", "A"])
def test_choosing_alternates_keeps_one_atom_a_site(alternates: str) -> None:
    with pytest.warns(StructureWarning):
        atoms = load_atoms(PEPTIDE, alternates=alternates)
    sites = list(zip(atoms.chains, atoms.residue_numbers, atoms.names, strict=True))
    assert len(set(sites)) == len(sites)


ASSEMBLY = [
    "REMARK 350 BIOMOLECULE: 1",
    "REMARK 350 AUTHOR DETERMINED BIOLOGICAL UNIT: DIMERIC",
    "REMARK 350 APPLY THE FOLLOWING TO CHAINS: A",
    "REMARK 350   BIOMT1   1  1.000000  0.000000  0.000000        0.00000",
    "REMARK 350   BIOMT2   1  0.000000  1.000000  0.000000        0.00000",
    "REMARK 350   BIOMT3   1  0.000000  0.000000  1.000000        0.00000",
    "REMARK 350   BIOMT1   2 -1.000000  0.000000  0.000000       10.00000",
    "REMARK 350   BIOMT2   2  0.000000 -1.000000  0.000000        0.00000",
    "REMARK 350   BIOMT3   2  0.000000  0.000000  1.000000        4.00000",
]


def test_an_assembly_is_the_sum_of_its_parts(tmp_path: Path) -> None:
    path = write(tmp_path, [*ASSEMBLY, *LINES, LINES[3].replace(" A ", " B ")])
    deposited = load(path)
    assert deposited.chains.tolist() == ["A"] * 4 + ["B"]
    assembly = load(path, assembly="1")
    # Chain B is no part of it.
    assert assembly.chains.tolist() == ["A"] * 8
    turned = deposited.positions[:4] * [-1, -1, 1] + [10, 0, 4]
    np.testing.assert_allclose(assembly.positions[4:], turned)
    structure = gemmi.read_structure(str(path))
    how = gemmi.HowToNameCopiedChain.Short
    gemmis = gemmi.make_assembly(structure.assemblies[0], structure[0], how)
    expected = np.array([site.atom.pos.tolist() for site in gemmis.all()])
    np.testing.assert_allclose(np.sort(assembly.positions, axis=0), np.sort(expected, axis=0))


def test_an_assembly_without_the_selected_atoms_is_named(tmp_path: Path) -> None:
    path = write(tmp_path, [*ASSEMBLY, *LINES, LINES[3].replace(" A ", " B ")])
    message = r"assembly '1' has nothing of chains B, which are left; it copies chains A"
    with pytest.raises(ValueError, match=message):
        load(path, assembly="1", selection_string="//B")


@pytest.mark.parametrize("n_lines", [1, 2, 3], ids=["no chains", "no chains", "no operators"])
def test_an_assembly_without_operators_is_named(tmp_path: Path, n_lines: int) -> None:
    path = write(tmp_path, [*ASSEMBLY[:n_lines], *LINES])
    with pytest.raises(ValueError, match=r"assembly: expected one whose operators .*, got '1'"):
        load(path, assembly="1")


def test_an_assembly_that_is_not_there_is_named_with_those_that_are(tmp_path: Path) -> None:
    path = write(tmp_path, [*ASSEMBLY, *LINES])
    with pytest.raises(ValueError, match=r"assembly: expected .* those named 1, got '2'"):
        load(path, assembly="2")
    with pytest.raises(ValueError, match="none, got '1'"):
        load_atoms(enterotoxin(), assembly="1")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"alternates": "AB"}, "alternates: expected 'all', 'highest' or a letter, got 'AB'"),
        ({"alternates": ""}, "alternates: expected"),
        ({"hydrogens": "some"}, "hydrogens: expected 'keep', 'drop' or 'add', got 'some'"),
        ({"monomer_library": "here"}, "monomer_library: nothing reads it with hydrogens='keep'"),
        ({"waters": "some"}, "waters: expected"),
        ({"b_factors": "none"}, "b_factors: expected 'file' or a number, got 'none'"),
        ({"b_factors": np.inf}, "b_factors: expected a finite number, got inf"),
        ({"b_factor_scale": np.nan}, "b_factor_scale: expected a finite number, got nan"),
        ({"b_factor_offset": np.inf}, "b_factor_offset: expected a finite number, got inf"),
        ({"models": "stack"}, "models: expected 'first', 'all' or a model's number, got 'stack'"),
        ({"models": 1.0}, "models: expected 'first', 'all' or a model's number, got 1.0"),
        ({"models": True}, "models: expected 'first', 'all' or a model's number, got True"),
        ({"models": 3}, "models=3: there is no such model"),
        ({"alternates": 5}, "alternates: expected 'all', 'highest' or a letter, got 5"),
        ({"b_factors": None}, "b_factors: expected a finite number, got None"),
        ({"selection_string": "//Z"}, "finds no atom"),
    ],
)
def test_bad_options_are_named(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        load_atoms(enterotoxin(), **options)


def test_a_model_without_atoms_is_not_for_the_selection_to_blame(tmp_path: Path) -> None:
    path = write(tmp_path, ["MODEL        1", "ENDMDL", "MODEL        4", *LINES, "ENDMDL"])
    with pytest.raises(ValueError, match=r"pdb: model 1 has no atoms; models=4 has some$"):
        load_atoms(path)
    assert len(load_atoms(path, models=4)) == len(load_atoms(path, models="all"))


@given(
    occupancies=st.lists(st.integers(0, 100), min_size=2, max_size=2),
    waters=st.sampled_from(["keep", "drop"]),
    alternates=st.sampled_from(["all", "highest", "A", "B"]),
)
def test_what_is_kept_weighs_as_much_as_the_file_says(
    tmp_path_factory: pytest.TempPathFactory,
    occupancies: list[int],
    waters: str,
    alternates: str,
) -> None:
    lines = list(LINES)
    for line, occupancy in zip((1, 2), occupancies, strict=True):
        text = f"{occupancy / 100:4.2f}"
        lines[line] = lines[line][:56] + text + lines[line][60:]
    loaded = load_with_notes(
        write(tmp_path_factory.mktemp("atoms"), lines),
        LoadOptions(waters=waters, alternates=alternates),  # type: ignore[arg-type]
    )
    expected = 1.0 + sum(occupancies) / 100 + (waters == "keep")
    assert loaded.atoms.occupancies.sum() == pytest.approx(expected)


def test_insertion_codes_and_two_letter_chains_are_kept(tmp_path: Path) -> None:
    lines = change(0, 20, "AB")
    lines[0] = lines[0][:26] + "C" + lines[0][27:]
    atoms = load(write(tmp_path, lines))
    assert (atoms.chains[0], atoms.residue_numbers[0]) == ("AB", "1C")


def test_two_hundred_thousand_atoms_are_read(tmp_path: Path) -> None:
    one = LINES[0]
    lines = []
    for n in range(200_000):
        serial, residue = f"{(n + 1) % 100_000:5d}", f"{n % 10_000:4d}"
        chain = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"[n // 10_000]
        lines.append(f"{one[:6]}{serial}{one[11:21]}{chain}{residue}{one[26:]}")
    atoms = load(write(tmp_path, lines))
    assert len(atoms) == 200_000
    assert len(set(zip(atoms.chains, atoms.residue_numbers, strict=True))) == 200_000


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "the file is empty"),
        (b"hello", "has no ATOM or HETATM lines"),
        (b"data_x\n_cell.length_a 1\n", "expected one data block with _atom_site.Cartn_x"),
        (
            b"data_x\nloop_\n_atom_site_label\n_atom_site_fract_x\nC1 0.1\n",
            "expected one data block",
        ),
        (gzip.compress(b"ATOM" * 1000, mtime=0)[:40], "damaged or cut short"),
        (bytes(range(256)) * 20, "not a structure that can be read"),
    ],
    ids=["empty", "text", "no coordinates", "a small molecule", "truncated", "bytes"],
)
def test_what_is_no_structure_is_one_clear_error(
    tmp_path: Path, content: bytes, message: str
) -> None:
    path = tmp_path / "model.cif"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=message) as caught:
        load_atoms(path)
    assert str(path) in str(caught.value)


def test_models_are_taken_one_or_all_together(tmp_path: Path) -> None:
    models = []
    for number in (1, 2):
        models += [f"MODEL     {number:4d}", *LINES, "ENDMDL"]
    path = write(tmp_path, models)
    assert len(load(path)) == len(load(path, models=2)) == 4
    # In a model by itself no site is crowded.
    assert len(load(path, models="all")) == 8


def write_models(folder: Path, sizes: list[int]) -> Path:
    """Models of so many atoms each, at x that is the model's number."""
    lines = []
    for number, size in enumerate(sizes, 1):
        atoms = [
            f"ATOM  {n:5d}  CA  GLY A{n:4d}    {number:8.3f}   0.000   0.000{LINES[0][54:]}"
            for n in range(1, size + 1)
        ]
        lines += [f"MODEL     {number:4d}", *atoms, "ENDMDL"]
    return write(folder, lines)


@given(sizes=st.lists(st.integers(1, 5), min_size=1, max_size=6), least=st.integers(1, 5))
def test_every_model_has_its_own_atoms(
    tmp_path_factory: pytest.TempPathFactory, sizes: list[int], least: int
) -> None:
    path = write_models(tmp_path_factory.mktemp("models"), [least, *sizes])
    # A selection may leave nothing of a model.
    options = LoadOptions(models="all", selection_string=f"//A/{least}-9")
    models = load_with_notes(path, options).models
    assert [len(atoms) for atoms in models] == [max(n - least + 1, 0) for n in [least, *sizes]]
    for number, atoms in enumerate(models, 1):
        assert np.all(atoms.positions[:, 0] == number)


@pytest.mark.parametrize("options", [{}, {"selection_string": "//A//CA"}, {"models": "all"}])
def test_both_readers_read_the_same_atoms(options: dict[str, Any]) -> None:
    atoms = load_atoms(enterotoxin(), **options)
    positions, atomic_numbers, properties = read_atoms_from_pdb(
        enterotoxin(), loads_properties=True, **options
    )
    np.testing.assert_array_equal(atoms.atomic_numbers, atomic_numbers)
    np.testing.assert_allclose(atoms.positions - atoms.center_of_mass, positions, atol=1e-12)
    for name in ("b_factors", "occupancies", "masses", "charges"):
        np.testing.assert_array_equal(getattr(atoms, name), properties[name])
