"""Zarr groups of particles: what is in them, whoever wrote them, and what interrupts leave."""

from __future__ import annotations

import dataclasses
import errno
import shutil
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

import numbavol
from numbavol.io.partial_file import PartialFile
from numbavol.simulation import (
    DefocusConfig,
    DetectorConfig,
    MicroscopeConfig,
    NoiseConfig,
    PoseConfig,
    SimulationConfig,
    VolumeConfig,
    zarr_output,
)
from numbavol.simulation.images import Simulator

zarr = pytest.importorskip("zarr")

# Whole simulations: uncompiled they take long, and what kernels do is shown elsewhere.
pytestmark = pytest.mark.compiled

ATOM = "ATOM      1  N   ALA A   1       1.000   0.000   1.000  1.00 20.00           N\n"


@pytest.fixture(autouse=True)
def _chunks_are_small(monkeypatch):
    monkeypatch.setattr(zarr_output, "FEWEST_IN_A_CHUNK", 2)
    monkeypatch.setattr(zarr_output, "MOST_IN_A_CHUNK", 4)


@pytest.fixture
def config(tmp_path):
    for name in ("a", "b"):
        (tmp_path / f"{name}.pdb").write_text(ATOM)
    return SimulationConfig(
        18, 16, 2.0,
        volume=tuple(VolumeConfig(str(tmp_path / f"{name}.pdb")) for name in ("a", "b")),
        noise=NoiseConfig(snr=0.5), defocus=DefocusConfig(particles_per_micrograph=3),
        microscope=MicroscopeConfig(odd_zernike=(0.0, 0.1)),
        poses=PoseConfig(offset_deviation=2.0), seed=1,
    )  # fmt: skip


def read_all(folder):
    return {
        path.relative_to(folder): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.fixture
def group(config, tmp_path):
    numbavol.simulate(config, tmp_path / "whole.zarr")
    return tmp_path / "whole.zarr"


@pytest.mark.same_bits
def test_a_group_has_the_images_and_all_that_is_known_of_them(config, group):
    images, particles = numbavol.simulate(config)
    read = zarr.open_group(group, mode="r")
    assert np.array_equal(read["images"][:], images)
    assert read["images"].chunks == (4, 16, 16)
    assert dict(read["images"].attrs) == {"unit": "inverse angstroms"}
    angles = [read[name][:] for name in numbavol.RelionAngles._fields]
    pose = numbavol.EulerAnglePose.from_relion_angles(*angles)
    np.testing.assert_allclose(read["rotation"][:], pose.rotation.as_matrix(), atol=1e-12)
    np.testing.assert_allclose(read["offset"][:], pose.offset_in_angstroms[:, :2], atol=1e-12)
    assert dict(read["rot"].attrs) == {"unit": "degrees", "relion": "rlnAngleRot"}
    for name in ("defocus_u_in_angstroms", "voltage_in_kilovolts", "class_number", "image_size"):
        assert np.array_equal(read[name][:], np.broadcast_to(getattr(particles, name), 18))
    assert np.array_equal(read["volume"][:], particles.class_number - 1)
    assert np.array_equal(read["micrograph"][:], np.arange(18) // 3)
    assert np.array_equal(read["odd_zernike"][:], np.tile([0.0, 0.1], (18, 1)))
    assert all(array.shape[0] == 18 for _, array in read.arrays())


def test_a_group_says_how_it_was_made(config, group):
    attributes = zarr.open_group(group, mode="r").attrs
    assert attributes["configuration"]["noise"]["snr"] == 0.5
    assert attributes["volumes"] == [Path(volume.file).name for volume in config.volume]
    assert attributes["numbavol"]["version"] == numbavol.__version__


@pytest.mark.parametrize(
    ("changes", "unit"),
    [
        ({"contrast": "weak_phase"}, "1"),
        ({"contrast": "weak_phase", "noise": NoiseConfig(), "detector": DetectorConfig(20.0)},
         "electrons"),
    ],
    ids=["contrast", "counts"],
)  # fmt: skip
def test_images_say_their_unit(config, tmp_path, changes, unit):
    numbavol.simulate(dataclasses.replace(config, **changes), tmp_path / "made.zarr")
    assert zarr.open_group(tmp_path / "made.zarr", mode="r")["images"].attrs["unit"] == unit


def test_half_precision_is_single_precision_rounded(config, group, tmp_path):
    numbavol.simulate(dataclasses.replace(config, dtype="float16"), tmp_path / "half.zarr")
    half = zarr.open_array(tmp_path / "half.zarr" / "images", mode="r")
    single = zarr.open_array(group / "images", mode="r")
    assert np.array_equal(half[:], single[:].astype(np.float16))


def test_half_precision_that_overflows_is_an_error(config, tmp_path):
    loud = dataclasses.replace(config, dtype="float16", noise=NoiseConfig(variance=1e12))
    with pytest.raises(ValueError, match=r"image \d+: expected finite float16 values"):
        numbavol.simulate(loud, tmp_path / "half.zarr")
    assert not (tmp_path / "half.zarr").exists()


@pytest.mark.parametrize("what", ["_write_columns", "_sync"])
def test_an_error_of_the_disk_names_the_group(config, tmp_path, monkeypatch, what):
    def fail(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(zarr_output, what, fail)
    with pytest.raises(OSError, match="No space left") as caught:
        numbavol.simulate(config, tmp_path / "made.zarr")
    assert caught.value.filename == str(tmp_path / "made.zarr.part")


@pytest.mark.parametrize("n_shards", [2, 5])
def test_shards_and_clusters_change_no_byte(config, group, tmp_path, n_shards):
    distributed = pytest.importorskip("distributed")
    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, dashboard_address=None, silence_logs=50,
            scheduler_kwargs={"dashboard_address": "127.0.0.1:0"}, processes=False,
        ) as cluster,
        distributed.Client(cluster) as client,
    ):  # fmt: skip
        numbavol.simulate(config, tmp_path / "other.zarr", shards=n_shards, dask=client)
    assert read_all(tmp_path / "other.zarr") == read_all(group)


@pytest.fixture
def imaged(monkeypatch):
    """The chunks that are imaged, by their first particles; one raises an error, if it is told."""
    calls = SimpleNamespace(firsts=[], stop_at=None)
    image = Simulator.image

    def count(simulator, particles, images, **how):
        # Not those by which the signal is measured.
        if len(particles.numbers) <= 4:
            if particles.numbers[0] == calls.stop_at:
                raise KeyboardInterrupt
            calls.firsts.append(particles.numbers[0])
        image(simulator, particles, images, **how)

    monkeypatch.setattr(Simulator, "image", count)
    return calls


@pytest.mark.parametrize("stop_at", [0, 8, 16])
def test_after_an_interrupt_chunks_that_are_there_are_kept(
    config, group, tmp_path, imaged, stop_at
):
    output = tmp_path / "interrupted.zarr"
    imaged.stop_at = stop_at
    with pytest.raises(KeyboardInterrupt):
        numbavol.simulate(config, output, shards=2)
    assert not output.exists()
    imaged.stop_at = None
    numbavol.simulate(config, output, shards=3)
    assert sorted(imaged.firsts) == [0, 4, 8, 12, 16]
    assert read_all(output) == read_all(group)
    assert not list(tmp_path.glob("*.part"))


def test_an_interrupt_before_the_last_step_is_made_good(config, group, imaged):
    expected = read_all(group)
    (group / ".written").mkdir()
    (group / ".written" / "000000").touch()
    numbavol.simulate(config, group)
    assert read_all(group) == expected
    assert not imaged.firsts
    # Or before there were arrays.
    part = group.with_name("whole.zarr.part")
    part.mkdir()
    for name in ("zarr.json", "images"):
        (group / name).rename(part / name)
    shutil.rmtree(group)
    numbavol.simulate(config, group)
    assert read_all(group) == expected


def test_a_group_of_another_simulation_is_kept_unless_it_may_be_replaced(config, group):
    expected = read_all(group)
    other = dataclasses.replace(config, seed=2)
    with pytest.raises(FileExistsError, match="of another simulation, or of none; overwrite=True"):
        numbavol.simulate(other, group)
    assert read_all(group) == expected
    numbavol.simulate(other, group, overwrite=True)
    assert read_all(group) != expected
    numbavol.simulate(config, group, overwrite=True)
    assert read_all(group) == expected
    assert [path.name for path in group.parent.glob("*whole*")] == ["whole.zarr"]


def test_a_group_that_cannot_be_replaced_after_all_is_kept(config, group, tmp_path, monkeypatch):
    output = tmp_path / "kept.zarr"
    shutil.copytree(group, output)
    rename = Path.rename

    def fail_for_the_new_one(path, target):
        if path.suffix == ".part":
            raise OSError(errno.EIO, "no luck", str(path))
        return rename(path, target)

    other = dataclasses.replace(config, seed=2)
    with monkeypatch.context() as patched:
        patched.setattr(Path, "rename", fail_for_the_new_one)
        with pytest.raises(OSError, match="no luck"):
            numbavol.simulate(other, output, overwrite=True)
    assert read_all(output) == read_all(group)
    # What a killed run left of a group that it was replacing goes with the next one.
    (tmp_path / ".kept.zarr.replaced").mkdir()
    (tmp_path / ".kept.zarr.replaced" / "zarr.json").write_text("{}")
    numbavol.simulate(other, output, overwrite=True)
    assert read_all(output) != read_all(group)
    assert [path.name for path in tmp_path.glob("*kept*")] == ["kept.zarr"]
    shutil.rmtree(output)
    (tmp_path / ".kept.zarr.replaced").mkdir()
    numbavol.simulate(other, output)
    assert [path.name for path in tmp_path.glob("*kept*")] == ["kept.zarr"]


def test_a_part_of_another_simulation_is_kept_unless_it_may_be_replaced(
    config, group, tmp_path, imaged
):
    output = tmp_path / "new.zarr"
    imaged.stop_at = 8
    with pytest.raises(KeyboardInterrupt):
        numbavol.simulate(dataclasses.replace(config, seed=2), output)
    imaged.stop_at = None
    with pytest.raises(FileExistsError, match=r"new\.zarr\.part"):
        numbavol.simulate(config, output)
    numbavol.simulate(config, output, overwrite=True)
    assert read_all(output) == read_all(group)


def test_what_is_no_group_is_never_replaced(config, tmp_path):
    folder = tmp_path / "thesis.zarr"
    folder.mkdir()
    (folder / "chapter.txt").write_text("Once")
    with pytest.raises(FileExistsError, match="it is no Zarr group"):
        numbavol.simulate(config, folder, overwrite=True)
    assert (folder / "chapter.txt").read_text() == "Once"


def test_two_processes_do_not_write_one_group(config, tmp_path):
    markers = tmp_path / "busy.zarr.part" / ".written"
    markers.mkdir(parents=True)
    other = PartialFile(markers / "lock")
    with pytest.raises(BlockingIOError, match="another process is writing it"):
        numbavol.simulate(config, tmp_path / "busy.zarr")
    other.close()
    numbavol.simulate(config, tmp_path / "busy.zarr")
    assert (tmp_path / "busy.zarr").is_dir()


@pytest.mark.parametrize(
    ("box", "dtype", "n"), [(128, "float32", 256), (128, "float16", 512), (500, "float32", 32)]
)
def test_chunks_are_some_megabytes(config, monkeypatch, box, dtype, n):
    monkeypatch.undo()
    config = dataclasses.replace(config, number=10_000, box=box, dtype=dtype)
    assert zarr_output._count_in_chunk(config) == n
    shards = zarr_output.make_zarr_shards(config, Path("particles.zarr"), 7)
    assert [shard.start % n for shard in shards] == [0] * 7
    assert [shard.stop for shard in shards] == [*(shard.start for shard in shards[1:]), 10_000]


def test_more_shards_than_chunks_are_refused(config, tmp_path):
    with pytest.raises(ValueError, match="shards: expected a number from 1 to 5, got 6"):
        numbavol.simulate(config, tmp_path / "made.zarr", shards=6)


def test_a_table_for_cryosparc_is_of_stacks(config, tmp_path):
    with pytest.raises(ValueError, match="cs: expected a stack as output"):
        numbavol.simulate(config, tmp_path / "made.zarr", cs=True)


def test_without_zarr_the_error_says_what_to_install(config, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "zarr", None)
    with pytest.raises(ModuleNotFoundError, match=r"Zarr groups need zarr: pip install .*\[zarr\]"):
        numbavol.simulate(config, tmp_path / "made.zarr")
