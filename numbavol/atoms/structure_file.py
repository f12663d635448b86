"""From a structure file on disk to a `gemmi.Structure`, or one plain error."""

from __future__ import annotations

import contextlib
import gzip
import re
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import gemmi

from numbavol.atoms.pdb_columns import prepare_pdb

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator

# What gemmi's C++ exceptions arrive as. `MemoryError` is not among them and passes.
GEMMI_ERRORS = (RuntimeError, ValueError, IndexError)

_GZIP_MAGIC = b"\x1f\x8b"
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_MMCIF_START = re.compile(rb"\s*(?:#[^\n]*\n\s*)*data_", re.IGNORECASE)
_PDB_ATOM = re.compile(rb"^(?:ATOM|HETATM)", re.MULTILINE | re.IGNORECASE)


# Of PDB: the line ends before the columns of the B-factor, or they are blank.
_NO_B_FACTOR = re.compile(
    rb"^(?:ATOM|HETA)(?:[^\r\n]{0,56}|[^\r\n]{56}(?: {6}[^\r\n]*| {0,5}))\r?$",
    re.MULTILINE | re.IGNORECASE,
)
# Without one of these columns gemmi finds no atoms, and does not say so. The first have no value
# in many files, as all do that are read from PDB, or tell atoms apart for others alone; nothing
# stands in for the rest: a name such as CA is of carbon or of calcium.
_FILLED_COLUMNS = ("id", "label_alt_id", "label_asym_id")
_NEEDED_COLUMNS = ("type_symbol", "Cartn_x", "Cartn_y", "Cartn_z")
_TITLE_OF_A_PREDICTION = re.compile(rb"^TITLE[^\r\n]*ALPHAFOLD", re.MULTILINE | re.IGNORECASE)


class StructureFile(NamedTuple):
    """A parsed structure file."""

    structure: gemmi.Structure
    format: str
    n_without_b_factor: int
    """Of its atoms, in all models: gemmi gives them 20 square angstroms."""
    has_confidences: bool
    """Whether its B-factors are the confidence of a prediction, pLDDT."""


@contextlib.contextmanager
def naming_file(filename: str | os.PathLike[str]) -> Iterator[None]:
    """Name the file in an error of what is in it."""
    try:
        yield
    except ValueError as error:
        msg = f"{filename}: {error}"
        raise ValueError(msg) from error


def parse_structure_file(filename: str | os.PathLike[str]) -> StructureFile:
    """Parse a PDB or mmCIF file, gzipped or not, by what is in it.

    Raises
    ------
    OSError
        If the file cannot be opened.
    ValueError
        If the file is not a structure, is damaged or has no atoms; names the file.
    """
    text = _read_text(filename)
    try:
        if _MMCIF_START.match(text):
            parsed = _parse_mmcif(text)
        elif _PDB_ATOM.search(text):
            parsed = StructureFile(
                gemmi.read_pdb_string(prepare_pdb(text)),
                "PDB",
                len(_NO_B_FACTOR.findall(text)),
                _TITLE_OF_A_PREDICTION.search(text) is not None,
            )
        else:
            msg = "has no ATOM or HETATM lines (PDB) and no data block (mmCIF)"
            raise ValueError(msg)
        if all(model.count_atom_sites() == 0 for model in parsed.structure):
            msg = "has no atoms"
            raise ValueError(msg)
    except GEMMI_ERRORS as error:
        msg = f"{filename}: not a structure that can be read: {str(error).strip()}"
        raise ValueError(msg) from error
    return parsed


def holds_structure(filename: str | os.PathLike[str]) -> bool:
    """Tell by its content whether a file is meant to be a structure, damaged or not.

    Raises
    ------
    OSError
        If the file cannot be opened.
    ValueError
        If it is empty, or its compression is damaged; names the file.
    """
    text = _read_text(filename)
    return _MMCIF_START.match(text) is not None or _PDB_ATOM.search(text) is not None


def _read_text(filename: str | os.PathLike[str]) -> bytes:
    text = Path(filename).read_bytes()
    if text.startswith(_GZIP_MAGIC):
        try:
            text = gzip.decompress(text)
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
            msg = f"{filename}: the gzip compression is damaged or cut short: {error}"
            raise ValueError(msg) from error
    if not text.strip():
        msg = f"{filename}: the file is empty"
        raise ValueError(msg)
    text = text.removeprefix(_BYTE_ORDER_MARK)
    if not text.isascii():
        # Both formats are ASCII. One character for one keeps the columns of a PDB file.
        text = text.decode(errors="replace").encode("ascii", errors="replace")
    return text


def _parse_mmcif(text: bytes) -> StructureFile:
    blocks = [b for b in gemmi.cif.read_string(text) if b.find_values("_atom_site.Cartn_x")]
    if len(blocks) != 1:
        names = ", ".join(block.name for block in blocks)
        msg = (
            f"expected one data block with _atom_site.Cartn_x, there are {len(blocks)}"
            f"{': ' if names else ''}{names}"
        )
        raise ValueError(msg)
    (block,) = blocks
    _complete_columns(block)
    structure = gemmi.make_structure_from_block(block)
    b_factors = list(block.find_values("_atom_site.B_iso_or_equiv"))
    n_without = b_factors.count("?") + b_factors.count(".")
    if not b_factors:
        n_without = sum(model.count_atom_sites() for model in structure)
    metrics = [gemmi.cif.as_string(name) for name in block.find_values("_ma_qa_metric.name")]
    return StructureFile(structure, "mmCIF", n_without, any("pLDDT" in name for name in metrics))


def _complete_columns(block: gemmi.cif.Block) -> None:
    """Add columns of atoms that scripts leave out, with no value in them.

    Raises
    ------
    ValueError
        If another one is not there that gemmi needs; names all of them.
    """
    there = {tag.lower() for tag in block.find_mmcif_category("_atom_site.").tags}
    missing = [f"_atom_site.{name}" for name in _NEEDED_COLUMNS if _tag_of(name) not in there]
    if missing:
        msg = f"has no {' and no '.join(missing)}"
        raise ValueError(msg)
    added = [f"_atom_site.{name}" for name in _FILLED_COLUMNS if _tag_of(name) not in there]
    # A single atom may be written as pairs.
    is_loop = block.find_pair("_atom_site.Cartn_x") is None
    for tag in added:
        if is_loop:
            block.find_loop("_atom_site.Cartn_x").get_loop().add_columns([tag], ".")
        else:
            block.set_pair(tag, ".")


def _tag_of(name: str) -> str:
    return f"_atom_site.{name}".lower()
