"""B-factors that a file does not have, and those that are something else."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import pytest

from numbavol.atoms import StructureWarning, describe_structure, load_atoms

if TYPE_CHECKING:
    from pathlib import Path

FULL = "ATOM      1  CA  GLY A   1       1.000   0.000   0.000  1.00 10.00           C"
MMCIF = """\
data_x
loop_
_atom_site.group_PDB
_atom_site.id
_atom_site.type_symbol
_atom_site.label_atom_id
_atom_site.label_alt_id
_atom_site.label_comp_id
_atom_site.label_asym_id
_atom_site.label_seq_id
_atom_site.auth_seq_id
_atom_site.auth_asym_id
_atom_site.Cartn_x
_atom_site.Cartn_y
_atom_site.Cartn_z
"""
ROW = "ATOM {n} C CA . GLY A {n} {n} A {n}.0 0.0 0.0"


def said_of(path: Path, **options: object) -> list[str]:
    with warnings.catch_warnings(record=True, action="always") as caught:
        load_atoms(path, **options)
    assert all(issubclass(warning.category, StructureWarning) for warning in caught)
    return [str(warning.message).removeprefix(f"{path}: ") for warning in caught]


def second(line: str) -> str:
    return (
        line.replace("    1  CA", "    2  CA").replace("A   1", "A   2").replace(" 1.000", " 5.000")
    )


@pytest.mark.parametrize("line", [FULL[:54], FULL[:60], FULL[:60] + " " * 20, FULL[:60] + "   "])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_atoms_of_pdb_files_without_a_b_factor_are_counted(tmp_path, line, end):
    path = tmp_path / "model.pdb"
    path.write_bytes((end.join([FULL, second(line), "END", ""])).encode())
    assert said_of(path) == ["1 atoms without a B-factor: 20 A^2 is taken"]
    assert load_atoms_quietly(path).b_factors.tolist() == [10.0, 20.0]
    assert describe_structure(path).n_without_b_factor == 1


def load_atoms_quietly(path: Path):
    with warnings.catch_warnings(action="ignore"):
        return load_atoms(path)


@pytest.mark.parametrize("value", ["20.00", " 0.10", "20.0 ", "2    ", "    2"])
def test_every_number_is_a_b_factor(tmp_path, value):
    path = tmp_path / "model.pdb"
    path.write_text(FULL[:61] + value.ljust(5) + "\nEND\n")
    assert said_of(path) == []


@pytest.mark.parametrize(
    ("values", "n"), [(None, 2), (("?", "."), 2), (("10", "?"), 1), (("1", "2"), 0)]
)
def test_atoms_of_mmcif_files_without_a_b_factor_are_counted(tmp_path, values, n):
    rows = [ROW.format(n=number) for number in (1, 2)]
    head = MMCIF
    if values is not None:
        head += "_atom_site.B_iso_or_equiv\n"
        rows = [f"{row} {value}" for row, value in zip(rows, values, strict=True)]
    path = tmp_path / "model.cif"
    path.write_text(head + "\n".join(rows) + "\n")
    expected = [f"{n} atoms without a B-factor: 20 A^2 is taken"] if n else []
    assert said_of(path) == expected
    assert describe_structure(path).n_without_b_factor == n


def test_a_b_factor_that_is_given_needs_none_of_the_file(tmp_path):
    path = tmp_path / "model.pdb"
    path.write_text(FULL[:54] + "\nEND\n")
    assert said_of(path, b_factors=30.0) == []


def test_confidences_of_a_prediction_are_no_b_factors(tmp_path):
    mmcif, pdb = tmp_path / "model.cif", tmp_path / "model.pdb"
    head = "data_x\n_ma_qa_metric.id 1\n_ma_qa_metric.name pLDDT\n" + MMCIF.removeprefix("data_x\n")
    mmcif.write_text(head + "_atom_site.B_iso_or_equiv\n" + ROW.format(n=1) + " 90\n")
    pdb.write_text("TITLE     ALPHAFOLD MONOMER V2.0 PREDICTION FOR X\n" + FULL + "\nEND\n")
    for path in (mmcif, pdb):
        (warning,) = said_of(path)
        assert "the confidence of a prediction (pLDDT)" in warning
        assert said_of(path, b_factors=30.0) == []
