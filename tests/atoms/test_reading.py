from __future__ import annotations

import gzip

import gemmi
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from numbavol.atoms import load_atoms, read_atoms_from_pdb
from numbavol.data import enterotoxin


def read_all(path, **options):
    return read_atoms_from_pdb(path, loads_properties=True, **options)


@pytest.fixture
def two_models(write_pdb):
    def write(first, second, numbers=(1, 2)):
        return write_pdb(
            f"MODEL     {numbers[0]:>4}\n",
            *first,
            "ENDMDL\n",
            f"MODEL     {numbers[1]:>4}\n",
            *second,
            "ENDMDL\n",
        )

    return write


class TestAgainstGemmi:
    def test_every_value_is_the_one_gemmi_reads(self, peptide):
        atoms = [
            atom
            for chain in gemmi.read_structure(str(peptide), merge_chain_parts=False)[0]
            for residue in chain
            for atom in residue
        ]
        positions, atomic_numbers, properties = read_all(peptide, center=False)
        assert_array_equal(positions, [atom.pos.tolist() for atom in atoms])
        assert_array_equal(atomic_numbers, [atom.element.atomic_number for atom in atoms])
        assert_allclose(properties["b_factors"], [atom.b_iso for atom in atoms], rtol=1e-7)
        assert_allclose(properties["occupancies"], [atom.occ for atom in atoms], rtol=1e-7)
        assert_array_equal(properties["masses"], [atom.element.weight for atom in atoms])
        assert_array_equal(properties["charges"], [atom.charge for atom in atoms])

    def test_numbers_are_the_decimals_of_the_file_and_not_float32(self, peptide):
        properties = read_all(peptide)[2]
        for values in (properties["occupancies"], properties["b_factors"]):
            assert_array_equal(values, values.round(3))
        assert properties["b_factors"][0] == 4.77

    def test_dtypes_and_shapes(self, peptide):
        positions, atomic_numbers, properties = read_all(peptide)
        assert (positions.dtype, positions.shape) == (np.float64, (679, 3))
        assert (atomic_numbers.dtype, atomic_numbers.shape) == (np.int64, (679,))
        assert {key: (value.dtype, value.shape) for key, value in properties.items()} == {
            "b_factors": (np.float64, (679,)),
            "occupancies": (np.float64, (679,)),
            "masses": (np.float64, (679,)),
            "charges": (np.int64, (679,)),
            "center": (np.float64, (3,)),
        }
        assert positions.flags.c_contiguous
        assert positions.flags.writeable

    def test_alternate_conformations_and_hydrogens_are_all_returned(self, peptide):
        _, atomic_numbers, properties = read_all(peptide)
        assert np.count_nonzero(atomic_numbers == 1) > 100
        assert np.count_nonzero(properties["occupancies"] < 1) > 100

    def test_the_packaged_sample_is_whole(self):
        assert len(read_atoms_from_pdb(enterotoxin())[0]) == 5684

    def test_pdb_and_mmcif_of_one_structure_agree(self, peptide, tmp_path):
        path = tmp_path / "same.pdb"
        gemmi.read_structure(str(peptide)).write_pdb(str(path))
        from_pdb, from_cif = read_all(path), read_all(peptide)
        assert_allclose(from_pdb[0], from_cif[0], atol=1.1e-3)
        assert_array_equal(from_pdb[1], from_cif[1])
        assert_allclose(from_pdb[2]["b_factors"], from_cif[2]["b_factors"], atol=5e-3)


class TestCenter:
    def test_the_centre_of_mass_is_at_the_origin(self, peptide):
        positions, _, properties = read_all(peptide)
        assert_allclose(properties["masses"] @ positions, 0, atol=1e-8)

    def test_center_is_what_was_taken_off(self, peptide):
        moved, _, properties = read_all(peptide)
        where, _, unmoved = read_all(peptide, center=False)
        assert_allclose(moved + properties["center"], where, atol=1e-12)
        assert_array_equal(unmoved["center"], np.zeros(3))

    def test_properties_do_not_change_positions(self, peptide):
        assert_array_equal(read_atoms_from_pdb(peptide)[0], read_all(peptide)[0])

    def test_the_centre_is_that_of_the_selected_atoms(self, peptide):
        positions, _, properties = read_all(peptide, selection_string="[C]")
        assert_allclose(properties["masses"] @ positions, 0, atol=1e-8)


class TestFormats:
    @pytest.mark.parametrize(
        "name", ["model.cif.gz", "model.pdb", "model", "model.mrc", "m.ent.gz"]
    )
    def test_content_and_not_the_name_decides(self, tmp_path, peptide, peptide_text, name):
        expected = read_atoms_from_pdb(peptide)[0]
        for content in (peptide_text, gzip.compress(peptide_text)):
            path = tmp_path / name
            path.write_bytes(content)
            assert_array_equal(read_atoms_from_pdb(path)[0], expected)

    def test_gzipped_pdb(self, atom_line, tmp_path):
        path = tmp_path / "model.pdb.gz"
        path.write_bytes(gzip.compress(atom_line().encode()))
        assert_array_equal(read_atoms_from_pdb(path, center=False)[0], [[1, 2, 3]])

    def test_a_string_is_a_name_too(self, peptide):
        assert len(read_atoms_from_pdb(str(peptide))[0]) == 679

    @pytest.mark.parametrize("start", ["\ufeff", "\n\n  ", "# a comment\n# another\n\n"])
    def test_what_may_stand_before_an_mmcif_block(self, tmp_path, peptide_text, start):
        path = tmp_path / "model.cif"
        path.write_bytes(start.encode("utf-8") + peptide_text)
        assert len(read_atoms_from_pdb(path)[0]) == 679

    def test_windows_line_ends(self, atom_line, write_pdb):
        path = write_pdb(atom_line().replace("\n", "\r\n"), atom_line().replace("\n", "\r\n"))
        assert_array_equal(read_atoms_from_pdb(path)[1], [6, 6])

    def test_no_line_end_at_the_end(self, atom_line, write_pdb):
        path = write_pdb(atom_line(), atom_line().rstrip())
        assert_array_equal(read_atoms_from_pdb(path)[1], [6, 6])

    def test_text_that_is_not_ascii(self, atom_line, write_pdb):
        assert len(read_atoms_from_pdb(write_pdb("REMARK  Ångström\n", atom_line()))[0]) == 1

    def test_more_than_99999_atoms(self, atom_line, write_pdb):
        line = atom_line()
        serials = [f"{i:5d}" for i in range(1, 100000)] + ["A0000", "A0001", "*****"]
        path = write_pdb(*(line[:6] + serial + line[11:] for serial in serials))
        assert len(read_atoms_from_pdb(path)[0]) == len(serials) == 100002

    def test_long_names_of_mmcif(self, write_cif):
        path = write_cif(
            "ATOM 1 C CA . ALA AVeryLongChainName 1 1 2 3 1 10 ? 1",
            "ATOM 2 N ALongAtomName . ALongResidueName AVeryLongChainName 2 1 2 3 1 10 ? 1",
        )
        assert_array_equal(read_atoms_from_pdb(path)[1], [6, 7])
        selected = read_atoms_from_pdb(path, selection_string="AVeryLongChainName/2")
        assert_array_equal(selected[1], [7])

    def test_long_names_that_begin_alike_are_told_apart(self, write_cif):
        rows = [
            f"ATOM {n} C AVeryLongName{n} {letter} Residue{n}Name receptor_{n} 1 {n} 2 3 0.5 10 ? 1"
            for n, letter in ((1, "."), (2, "A"), (10, "B"))
        ]
        atoms = load_atoms(write_cif(*rows))
        numbers = ("1", "2", "10")
        assert atoms.chains.tolist() == [f"receptor_{n}" for n in numbers]
        assert atoms.names.tolist() == [f"AVeryLongName{n}" for n in numbers]
        assert atoms.residue_names.tolist() == [f"Residue{n}Name" for n in numbers]
        assert atoms.alternates.tolist() == ["", "A", "B"]
        highest = load_atoms(write_cif(*rows), alternates="highest")
        assert highest.occupancies.tolist() == [0.5] * 3

    def test_missing_values_of_mmcif_are_the_documented_ones(self, write_cif):
        properties = read_all(write_cif("ATOM 1 C CA . ALA A 1 1 2 3 ? . ? 1"))[2]
        assert properties["occupancies"] == [1.0]
        assert properties["b_factors"] == [20.0]
        assert properties["charges"] == [0]

    def test_only_one_data_block_may_have_atoms(self, tmp_path, peptide_text):
        path = tmp_path / "two.cif"
        path.write_bytes(b"data_comp_list\n_chem_comp.id ALA\n" + peptide_text)
        assert len(read_atoms_from_pdb(path)[0]) == 679
        path.write_bytes(peptide_text + peptide_text.replace(b"data_3AL1", b"data_again"))
        with pytest.raises(ValueError, match=r"two\.cif: .*there are 2: 3AL1, again"):
            read_atoms_from_pdb(path)


class TestElements:
    def test_deuterium_is_hydrogen_of_its_own_mass(self, atom_line, write_pdb):
        path = write_pdb(atom_line(" D1 ", tail=" D  "), atom_line(" H1 ", tail=" H  "))
        _, atomic_numbers, properties = read_all(path)
        assert_array_equal(atomic_numbers, [1, 1])
        assert_allclose(properties["masses"], [2.0141, 1.00794])

    def test_an_unknown_element_is_an_error_and_not_oxygen(self, atom_line, write_pdb):
        path = write_pdb(atom_line(), atom_line(" X1 ", tail=" X  "))
        message = r"model\.pdb: the element of 1 atoms is not known; the first is atom 2, 'X1'"
        with pytest.raises(ValueError, match=message):
            read_atoms_from_pdb(path)

    def test_the_hint_of_that_error_works(self, atom_line, write_pdb):
        path = write_pdb(atom_line(), atom_line(" X1 ", tail=" X  "))
        assert_array_equal(read_atoms_from_pdb(path, selection_string="[!X]")[1], [6])

    def test_an_unknown_element_of_mmcif_is_an_error(self, write_cif):
        with pytest.raises(ValueError, match="element of 1 atoms is not known"):
            read_atoms_from_pdb(write_cif("ATOM 1 Zz CA . ALA A 1 1 2 3 1 10 ? 1"))

    @pytest.mark.parametrize(("charge", "expected"), [("2+", 2), ("1-", -1), ("+2", 2), ("  ", 0)])
    def test_charges(self, atom_line, write_pdb, charge, expected):
        path = write_pdb(atom_line("ZN  ", residue="ZN", tail="ZN" + charge, record="HETATM"))
        _, atomic_numbers, properties = read_all(path)
        assert (atomic_numbers.tolist(), properties["charges"].tolist()) == ([30], [expected])


class TestSelection:
    @pytest.fixture
    def path(self, atom_line, write_pdb):
        return write_pdb(
            atom_line(" N  ", tail=" N  "),
            atom_line(" CA ", number=1),
            atom_line(" CA ", number=2, residue="GLY"),
            atom_line(" CA ", number=1, chain="B", b_factor="99.00"),
            atom_line(" O  ", number=300, chain="B", residue="HOH", tail=" O  ", record="HETATM"),
        )

    @pytest.mark.parametrize(
        ("selection", "expected"),
        [
            ("all", [7, 6, 6, 6, 8]),
            ("*", [7, 6, 6, 6, 8]),
            ("B", [6, 8]),
            ("//A", [7, 6, 6]),
            ("(GLY)", [6]),
            ("[N,O]", [7, 8]),
            ("[!C]", [7, 8]),
            ("A/1/CA", [6]),
            (";b>50", [6]),
        ],
    )
    def test_gemmis_language(self, path, selection, expected):
        assert_array_equal(read_atoms_from_pdb(path, selection_string=selection)[1], expected)

    def test_polymers_can_be_selected_without_ter_lines(self, path):
        atomic_numbers = read_atoms_from_pdb(path, selection_string=";polymer")[1]
        assert 8 not in atomic_numbers
        assert len(atomic_numbers) > 0

    @pytest.mark.parametrize("selection", ["C", "protein", "not water"])
    def test_one_that_finds_nothing_is_an_error(self, path, selection):
        with pytest.raises(
            ValueError, match=rf"selection_string='{selection}' finds no atom in .*"
        ):
            read_atoms_from_pdb(path, selection_string=selection)

    @pytest.mark.parametrize("selection", ["((", "[Zz]", "CA[C", "/x", "A;b>x"])
    def test_wrong_syntax_is_an_error(self, path, selection):
        with pytest.raises(ValueError, match="selection_string=") as caught:
            read_atoms_from_pdb(path, selection_string=selection)
        assert repr(selection) in str(caught.value)

    def test_of_another_model_finds_nothing_and_says_where_it_looked(self, two_models, atom_line):
        path = two_models([atom_line()], [atom_line()])
        with pytest.raises(ValueError, match=r"finds no atom in .*, models 1 of 1, 2\."):
            read_atoms_from_pdb(path, selection_string="/2")


class TestModels:
    @pytest.fixture
    def path(self, two_models, atom_line):
        return two_models(
            [atom_line(xyz=(0, 0, 0)), atom_line(" N  ", tail=" N  ", b_factor="11.00")],
            [atom_line(xyz=(9, 9, 9)), atom_line(" N  ", tail=" N  ", b_factor="22.00")],
            numbers=(3, 7),
        )

    def test_first(self, path):
        positions, _, properties = read_all(path, center=False)
        assert_array_equal(positions, [[0, 0, 0], [1, 2, 3]])
        assert_array_equal(properties["b_factors"], [10, 11])

    def test_by_its_number_in_the_file(self, path):
        assert_array_equal(read_all(path, models=7, center=False)[0], [[9, 9, 9], [1, 2, 3]])
        assert_array_equal(read_all(path, models=np.int64(3), center=False)[0][0], [0, 0, 0])

    def test_all_are_concatenated(self, path):
        positions, atomic_numbers, properties = read_all(path, models="all", center=False)
        assert_array_equal(positions[:, 0], [0, 1, 9, 1])
        assert_array_equal(atomic_numbers, [6, 7, 6, 7])
        assert_array_equal(properties["b_factors"], [10, 11, 10, 22])

    def test_stack(self, path):
        positions, atomic_numbers, properties = read_all(path, models="stack", center=False)
        assert_array_equal(positions, [[[0, 0, 0], [1, 2, 3]], [[9, 9, 9], [1, 2, 3]]])
        assert_array_equal(atomic_numbers, [6, 7])
        assert_array_equal(properties["b_factors"], [[10, 11], [10, 22]])
        assert properties["occupancies"].shape == (2, 2)
        assert properties["masses"].shape == properties["charges"].shape == (2,)

    def test_a_stack_moves_by_one_shift(self, path):
        moved, _, properties = read_all(path, models="stack")
        where = read_all(path, models="stack", center=False)[0]
        assert_allclose(moved + properties["center"], where, atol=1e-12)
        assert_allclose(np.tensordot(moved, properties["masses"], (1, 0)).sum(axis=0), 0, atol=1e-9)

    def test_a_file_of_one_model_is_a_stack_of_one(self, peptide):
        assert read_atoms_from_pdb(peptide, models="stack")[0].shape == (1, 679, 3)

    def test_a_number_that_does_not_exist(self, path):
        with pytest.raises(ValueError, match=r"models=1: there is no such model in .*only 3, 7"):
            read_atoms_from_pdb(path, models=1)

    def test_a_word_that_does_not_exist(self, path):
        with pytest.raises(ValueError, match="models: expected 'first', 'all', 'stack' or"):
            read_atoms_from_pdb(path, models="last")

    def test_a_stack_of_different_counts(self, two_models, atom_line):
        path = two_models([atom_line()], [atom_line(), atom_line()])
        with pytest.raises(ValueError, match=r"models 1 and 2 of .* have 1 and 2 atoms"):
            read_atoms_from_pdb(path, models="stack")

    def test_a_stack_of_different_names(self, two_models, atom_line):
        path = two_models([atom_line(), atom_line()], [atom_line(), atom_line(" CB ")])
        message = "differ: atom 2, 'CA' of element C, and atom 2, 'CB' of element C"
        with pytest.raises(ValueError, match=message):
            read_atoms_from_pdb(path, models="stack")

    def test_a_stack_of_different_elements(self, two_models, atom_line):
        path = two_models([atom_line()], [atom_line(tail="CA  ")])
        with pytest.raises(ValueError, match="'CA' of element C, and atom 1, 'CA' of element Ca"):
            read_atoms_from_pdb(path, models="stack")

    def test_frames_parted_by_end_alone_are_models(self, atom_line, write_pdb):
        path = write_pdb(atom_line(xyz=(0, 0, 0)), "END\n", atom_line(xyz=(5, 5, 5)), "END\n")
        assert_array_equal(
            read_atoms_from_pdb(path, models="stack", center=False)[0], [[[0, 0, 0]], [[5, 5, 5]]]
        )

    def test_models_of_mmcif(self, write_cif):
        path = write_cif(
            "ATOM 1 C CA . ALA A 1 1 2 3 1 10 ? 4", "ATOM 2 C CA . ALA A 1 5 6 7 1 10 ? 9"
        )
        assert_array_equal(read_atoms_from_pdb(path, models=9, center=False)[0], [[5, 6, 7]])


class TestBrokenFiles:
    @pytest.mark.parametrize(
        ("content", "message"),
        [
            (b"", "the file is empty"),
            (b" \n\n", "the file is empty"),
            (b"Dear reader,\nthere are no atoms here.\n", "no ATOM or HETATM lines"),
            (bytes(2048), "no ATOM or HETATM lines"),
            (b"HEADER    PROTEIN\nEND\n", "no ATOM or HETATM lines"),
            (b"data_x\n_cell.length_a 10\n", "one data block with _atom_site.Cartn_x"),
            (b"data_x\nloop_\n_atom_site.id\n_atom_site.Cartn_x\n1\n", "Wrong number of values"),
            (
                b"data_x\nloop_\n_atom_site.id\n_atom_site.Cartn_x\n1 2.5\n",
                "has no _atom_site.type",
            ),
            (b"ATOM      1  CA  ALA A   1      11.104   6.1\n", "line 1, columns 47-54"),
            (b"Atoms of the first kind\n", "line 1, columns 31-38: expected a number"),
            (
                gzip.compress(b"ATOM" * 999, mtime=0)[:-20],
                "the gzip compression is damaged or cut short",
            ),
            (gzip.compress(b"", mtime=0)[:5], "the gzip compression is damaged or cut short"),
            (b"\x1f\x8b" + bytes(50), "the gzip compression is damaged or cut short"),
        ],
    )
    def test_is_one_error_that_names_the_file(self, tmp_path, content, message):
        path = tmp_path / "broken.pdb"
        path.write_bytes(content)
        with pytest.raises(ValueError, match=message) as caught:
            read_atoms_from_pdb(path)
        assert str(path) in str(caught.value)

    def test_a_missing_file(self, tmp_path):
        with pytest.raises(FileNotFoundError, match="nothing"):
            read_atoms_from_pdb(tmp_path / "nothing.pdb")

    def test_a_folder(self, tmp_path):
        with pytest.raises(IsADirectoryError):
            read_atoms_from_pdb(tmp_path)

    @pytest.mark.parametrize(
        ("row", "what"),
        [
            ("ATOM 1 C CA . ALA A 1 ? 2 3 1 10 ? 1", "position"),
            ("ATOM 1 C CA . ALA A 1 1 abc 3 1 10 ? 1", "position"),
            ("ATOM 1 C CA . ALA A 1 1 2 nan 1 10 ? 1", "position"),
            ("ATOM 1 C CA . ALA A 1 1 2 3 abc 10 ? 1", "occupancy"),
            ("ATOM 1 C CA . ALA A 1 1 2 3 1 abc ? 1", "B-factor"),
        ],
    )
    def test_mmcif_values_that_are_no_numbers(self, write_cif, row, what):
        with pytest.raises(ValueError, match=rf"model\.cif: 1 atoms have no number for a {what}"):
            read_atoms_from_pdb(write_cif(row))

    @settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
    @given(data=st.data())
    def test_a_damaged_file_is_read_or_one_value_error(
        self, data, tmp_path, atom_line, peptide_text
    ):
        text = data.draw(st.sampled_from([peptide_text[:3000], atom_line().encode() * 3]))
        damaged = bytearray(text)
        for _ in range(data.draw(st.integers(1, 5))):
            damaged[data.draw(st.integers(0, len(text) - 1))] = data.draw(st.integers(0, 255))
        path = tmp_path / "damaged"
        path.write_bytes(damaged)
        try:
            positions, _ = read_atoms_from_pdb(path)
        except ValueError as error:
            assert str(path) in str(error)  # noqa: PT017
        else:
            assert np.isfinite(positions).all()
