"""Files of simulations: what is read stays, what is cut short is made again, what tables say."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
import textwrap

import numpy as np
import pytest
import scipy.stats

import numbavol
from numbavol.io.partial_file import PartialFile
from numbavol.io.star_writing import write_particle_blocks
from numbavol.simulation import (
    DoseWeightingConfig,
    NoiseConfig,
    PoseConfig,
    SimulationConfig,
    SimulationWarning,
    VolumeConfig,
    output,
    read_simulation_config,
    shards,
)
from numbavol.simulation.config_reading import find_lines
from numbavol.simulation.particles import ParticleSource
from numbavol.simulation.volumes import load_volumes

# Whole simulations: uncompiled they take long, and what kernels do is shown elsewhere.
pytestmark = pytest.mark.compiled

ATOM = "ATOM      1  N   ALA A   1       {}   0.000   1.000  1.00 20.00           N\n"


@pytest.fixture
def config(tmp_path):
    (tmp_path / "atom.pdb").write_text(ATOM.format("1.000"))
    volume = VolumeConfig(tmp_path / "atom.pdb")
    return SimulationConfig(7, 16, 2.0, volume=volume, noise=NoiseConfig(variance=1.0), seed=1)


@pytest.mark.parametrize("n_bytes", [1024, 2000])
def test_a_stack_that_is_cut_short_is_made_again(config, tmp_path, n_bytes):
    stack = tmp_path / "stack.mrcs"
    numbavol.simulate(config, stack)
    whole = stack.read_bytes()
    stack.write_bytes(whole[:n_bytes])
    numbavol.simulate(config, stack)
    assert stack.read_bytes() == whole


@pytest.mark.parametrize("name", ["map.mrcs", "poses.mrcs"])
def test_what_is_read_is_not_written_over(config, tmp_path, name):
    """A stack named as a map is, and a table as that of the poses."""
    numbavol.simulate(config, tmp_path / "made.mrcs")
    (tmp_path / "made.star").rename(tmp_path / "poses.star")
    (tmp_path / "atom.pdb").rename(tmp_path / "map.mrcs")
    poses = PoseConfig(str(tmp_path / "poses.star"))
    volume = VolumeConfig(tmp_path / "map.mrcs")
    changed = dataclasses.replace(config, volume=volume, poses=poses, number=2)
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    with pytest.raises(ValueError, match="that is one of the files that are read"):
        numbavol.simulate(changed, tmp_path / name, overwrite=True)
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("stack.mrc", r"output: expected a name that ends in .mrcs, .* or in .zarr, got "),
        ("stack.star", "output: expected a name that ends in .mrcs"),
        ("none/stack.mrcs", "none/stack.mrcs: there is no folder "),
    ],
)
def test_what_cannot_be_written_is_named(config, tmp_path, name, message):
    with pytest.raises(ValueError, match=message):
        numbavol.simulate(config, tmp_path / name, overwrite=True)


def test_images_are_named_from_the_folder_that_a_link_leads_to(config, tmp_path):
    (tmp_path / "real" / "deep").mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "real" / "deep")
    table = numbavol.simulate(config, tmp_path / "link" / "stack.mrcs", shards=2)
    assert table.image_names[-1] == "000004@stack_000002.mrcs"
    read = numbavol.read_particles(tmp_path / "real" / "deep" / "stack.star")
    assert read.image_names == table.image_names


def test_a_table_says_in_a_comment_what_it_was_made_of(config, tmp_path):
    numbavol.simulate(config, tmp_path / "stack.mrcs")
    first = (tmp_path / "stack.star").read_text().splitlines()[0]
    start, _, facts = first.partition(" simulate ")
    assert start == f"# numbavol {numbavol.__version__}"
    made_of = json.loads(facts)
    assert made_of["seed"] == 1
    assert made_of["noise"]["variance"] == pytest.approx(1.0)
    assert made_of["volume"][0]["file"] == "atom.pdb"


@pytest.mark.same_bits
def test_blocks_of_a_table_are_the_table(config, tmp_path, monkeypatch):
    numbavol.simulate(config, tmp_path / "stack.mrcs", shards=3, cs=True)
    expected = {name: (tmp_path / name).read_bytes() for name in ("stack.star", "stack.cs")}
    images = numbavol.simulate(config).images
    monkeypatch.setattr(output, "ROWS_AT_A_TIME", 2)
    monkeypatch.setattr(shards, "PARTICLES_AT_A_TIME", 2)
    (tmp_path / "again").mkdir()
    numbavol.simulate(config, tmp_path / "again" / "stack.mrcs", shards=3, cs=True)
    for name, content in expected.items():
        assert (tmp_path / "again" / name).read_bytes() == content
    stacks = [numbavol.read_map(tmp_path / "again" / f"stack_{n:06d}.mrcs") for n in (1, 2, 3)]
    np.testing.assert_array_equal(np.concatenate([stack.data for stack in stacks]), images)


def test_blocks_of_other_groups_are_refused(tmp_path):
    def make(voltage):
        return numbavol.ParticleTable(
            0, 0, 0, image_names=["1@a.mrcs"], pixel_size=1.5, image_size=8,
            voltage_in_kilovolts=voltage,
        )  # fmt: skip

    with pytest.raises(ValueError, match="blocks: expected particles of the same optics groups"):
        write_particle_blocks(tmp_path / "a.star", [make(300.0), make(200.0)])
    assert not list(tmp_path.iterdir())


KILLED = """
import os, signal, sys
import numbavol
from numbavol.simulation import output

def kill(*arguments, **keywords):
    os.kill(os.getpid(), signal.SIGKILL)

output.write_missing = kill
numbavol.simulate(sys.argv[1], sys.argv[2])
"""


def test_nothing_is_left_of_tables_that_a_kill_left(config, tmp_path):
    toml = tmp_path / "config.toml"
    toml.write_text(
        textwrap.dedent(
            """\
            number = 7
            box = 16
            pixel_size = 2
            seed = 1
            volume.file = "atom.pdb"
            noise.variance = 1
            """
        )
    )
    stack = tmp_path / "stack.mrcs"
    subprocess.run([sys.executable, "-c", KILLED, str(toml), str(stack)], check=False)
    (left,) = tmp_path.glob(".stack.star-*.part")
    # That of a run that is alive is locked.
    alive = PartialFile(left)
    numbavol.simulate(config, stack)
    assert left.exists()
    alive.close()
    numbavol.simulate(config, stack)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "atom.pdb", "config.toml", "stack.mrcs", "stack.star",
    ]  # fmt: skip


def test_a_part_of_another_simulation_is_named_before_the_work(config, tmp_path):
    stack = tmp_path / "stack.mrcs"
    (tmp_path / "stack.mrcs.part").write_bytes(b"somebody's notes")
    with pytest.raises(ValueError, match=r"stack.mrcs.part: left by a run of another simulation"):
        output.Output.plan(config, stack, 1, "cpu", cs=False, overwrite=False)
    planned = output.Output.plan(config, stack, 1, "cpu", cs=False, overwrite=True)
    assert planned.find_begun() == []


def test_a_part_that_is_not_marked_yet_is_nobody_elses(config, tmp_path):
    """Another run may be making it, or was killed as it did."""
    (tmp_path / "stack.mrcs.part").touch()
    stack = tmp_path / "stack.mrcs"
    planned = output.Output.plan(config, stack, 1, "cpu", cs=False, overwrite=False)
    assert planned.find_begun() == []
    numbavol.simulate(config, stack)
    np.testing.assert_array_equal(numbavol.read_map(stack).data, numbavol.simulate(config).images)


def test_cs_says_no_aberrations(config, tmp_path):
    tilted = dataclasses.replace(
        config, microscope=dataclasses.replace(config.microscope, beam_tilt=(1.0, 0.0))
    )
    with pytest.raises(ValueError, match=r"cs: it is not known .* say microscope.beam_tilt"):
        numbavol.simulate(tilted, tmp_path / "stack.mrcs", cs=True)
    assert not list(tmp_path.glob("stack*"))


def test_the_particles_of_a_file_are_as_many_as_it_has(config, tmp_path):
    numbavol.simulate(config, tmp_path / "stack.mrcs")
    (tmp_path / "c.toml").write_text(
        "box = 16\npixel_size = 2\nvolume.file = 'atom.pdb'\nposes.file = 'stack.star'\n"
    )
    assert read_simulation_config(tmp_path / "c.toml").number == 7


def test_a_mark_of_the_encoding_is_no_part_of_the_text(tmp_path):
    text = "number = 7\nbox = 16\npixel_size = 2\n"
    (tmp_path / "c.toml").write_bytes(b"\xef\xbb\xbf" + text.encode())
    assert read_simulation_config(tmp_path / "c.toml").number == 7


def test_lines_are_found_whatever_is_in_strings_comments_and_arrays():
    text = textwrap.dedent(
        """\
        # it's ''' a comment \u2028 [table]
        a = [
          [1],
          # [b]
          [2],
        ]
        s = '''
        [c]
        d = 1
        '''
        t = "[e]"
        [f] # [g]
        "h" = 3
        [[v]]
        k = 1
        [[v]]
        k = 2
        """
    )
    lines = find_lines(text)
    assert lines["a",] == 2
    assert lines["s",] == 7
    assert lines["t",] == 11
    assert (lines["f",], lines["f", "h"]) == (12, 13)
    assert (lines["v", 0, "k"], lines["v", 1, "k"]) == (15, 17)
    assert not {("c",), ("d",), ("e",), ("g",), ("b",)} & set(lines)


def test_states_of_one_molecule_can_share_a_centre(config, tmp_path):
    (tmp_path / "other.pdb").write_text(ATOM.format("9.000"))
    quiet = dataclasses.replace(config, noise=NoiseConfig(), method="gaussian")
    for center, expected in (("own", (0, 0, 0)), ("first", (8, 0, 0)), ("file", (9, 0, 1))):
        other = VolumeConfig(tmp_path / "other.pdb", center=center)
        both = dataclasses.replace(quiet, volume=(config.volume[0], other), box=64)
        _, second = load_volumes(both).volumes
        np.testing.assert_allclose(second.positions.mean(axis=0), expected, atol=1e-6)


def test_a_defocus_in_micrometres_is_warned_of(config):
    defocus = dataclasses.replace(config.defocus, minimum=0.8, maximum=2.0)
    with pytest.warns(SimulationWarning, match=r"defocus.maximum: it is in angstroms.*got 2"):
        numbavol.simulate(dataclasses.replace(config, defocus=defocus))


@pytest.mark.same_bits
def test_numbers_may_be_any(config):
    images = numbavol.simulate(config).images
    some = numbavol.simulate(config, numbers=[5, 0, 5])
    np.testing.assert_array_equal(some.images, images[[5, 0, 5]])
    for wrong in ([7], [-1], [], [0.5], 3):
        with pytest.raises(ValueError, match="numbers: expected a slice or numbers of some of 7"):
            numbavol.simulate(config, numbers=wrong)


def test_choices_may_be_paths_and_numbers_of_numpy(tmp_path):
    config = SimulationConfig(np.int64(3), np.int32(8), np.float32(1.5), volume=VolumeConfig("a"))
    assert (config.number, config.box, config.pixel_size) == (3, 8, 1.5)
    assert isinstance(config.number, int)
    assert VolumeConfig(tmp_path / "a").file == str(tmp_path / "a")


def test_the_voltage_of_frames_is_that_of_the_particles(config, tmp_path):
    """Of a file, whatever the configuration says, and only where its damage is known."""
    frames = DoseWeightingConfig(n_frames=20, dose_per_frame=2.0)
    microscope = dataclasses.replace(config.microscope, voltage=200.0)
    made = dataclasses.replace(config, microscope=microscope, dose_weighting=frames)
    expected = numbavol.simulate(made, tmp_path / "stack.mrcs")
    images = numbavol.read_map(tmp_path / "stack.mrcs").data
    of_file = dataclasses.replace(
        config, dose_weighting=frames, poses=PoseConfig(tmp_path / "stack.star")
    )
    again = numbavol.simulate(of_file)
    np.testing.assert_array_equal(again.images, images)
    assert again.particles.voltage_in_kilovolts == 200.0
    mixed = dataclasses.replace(
        expected, voltage_in_kilovolts=[200.0] * 3 + [300.0] * 4, optics_group_names=None
    )
    numbavol.write_particles(tmp_path / "mixed.star", mixed)
    with pytest.raises(ValueError, match=r"dose_weighting.n_frames: .* has 200, 300 kV"):
        numbavol.simulate(dataclasses.replace(of_file, poses=PoseConfig(tmp_path / "mixed.star")))


def test_particles_of_one_micrograph_of_a_file_share_its_defocus(config, tmp_path):
    table = numbavol.ParticleTable(
        *np.zeros((3, 4)), micrograph_names=["b.mrc", "a.mrc", "b.mrc", "a.mrc"]
    )
    known = dataclasses.replace(table, pixel_size=2.0, image_size=16, voltage_in_kilovolts=300.0)
    numbavol.write_particles(tmp_path / "p.star", known, tmp_path / "s.mrcs")
    given = dataclasses.replace(config, number=4, poses=PoseConfig(tmp_path / "p.star"))
    made = numbavol.simulate(given).particles
    defocus = made.defocus_u_in_angstroms
    assert made.micrograph_names == table.micrograph_names
    assert defocus[0] == defocus[2] != defocus[1] == defocus[3]


def test_a_table_that_another_run_takes_away_is_written_again(config, tmp_path, monkeypatch):
    write, taken = output.write_table, []

    def write_and_lose(*arguments, **keywords):
        write(*arguments, **keywords)
        if not taken:
            taken.append(arguments[2])
            arguments[2].unlink()

    monkeypatch.setattr(output, "write_table", write_and_lose)
    numbavol.simulate(config, tmp_path / "stack.mrcs")
    assert taken
    assert len(numbavol.read_particles(tmp_path / "stack.star")) == 7
    assert not list(tmp_path.glob(".*"))


def test_a_table_that_is_gone_at_the_end_is_written_again(config, tmp_path, monkeypatch):
    """A file system without locks lets another run take it away at any time."""
    write_missing = output.write_missing

    def lose_and_write(*arguments, **keywords):
        for part in tmp_path.glob(".stack.star-*.part"):
            part.unlink()
        write_missing(*arguments, **keywords)

    monkeypatch.setattr(output, "write_missing", lose_and_write)
    numbavol.simulate(config, tmp_path / "stack.mrcs")
    assert len(numbavol.read_particles(tmp_path / "stack.star")) == 7


def test_a_link_that_leads_nowhere_is_followed(config, tmp_path):
    (tmp_path / "stack.star").symlink_to("elsewhere.star")
    numbavol.simulate(config, tmp_path / "stack.mrcs")
    assert (tmp_path / "stack.star").is_symlink()
    assert len(numbavol.read_particles(tmp_path / "elsewhere.star")) == 7


def test_what_follows_a_whole_stack_is_not_ours(config, tmp_path):
    stack = tmp_path / "stack.mrcs"
    numbavol.simulate(config, stack)
    stack.write_bytes(stack.read_bytes() + b"more")
    with pytest.raises(FileExistsError, match="of another simulation"):
        numbavol.simulate(config, stack)


def test_a_hardly_preferred_view_is_none(config):
    spread = dataclasses.replace(
        config, number=2000, poses=PoseConfig(distribution="preferred", concentration=1e-17)
    )
    poses = ParticleSource(spread, (1.0,)).take(np.arange(2000)).poses
    cosines = np.cos(np.deg2rad(poses.to_relion_angles().tilt))
    assert scipy.stats.kstest(cosines, scipy.stats.uniform(-1, 2).cdf).pvalue > 1e-4
