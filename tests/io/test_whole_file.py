from __future__ import annotations

import errno
import os
import re
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from numbavol.io.whole_file import write_whole_file


@pytest.fixture
def path(tmp_path):
    return tmp_path / "file"


def write(path, content=b"new", *, overwrite=False):
    with write_whole_file(path, overwrite=overwrite) as file:
        file.write(content)


def test_the_name_appears_when_the_block_ends(path):
    with write_whole_file(path, overwrite=False) as file:
        file.write(b"new")
        assert not path.exists()
    assert path.read_bytes() == b"new"
    assert list(path.parent.iterdir()) == [path]


def test_the_previous_file_is_there_until_then(path):
    path.write_bytes(b"old")
    with write_whole_file(path, overwrite=True) as file:
        file.write(b"new")
        file.flush()
        assert path.read_bytes() == b"old"
    assert path.read_bytes() == b"new"


def test_a_file_made_meanwhile_is_not_replaced(path):
    def race():
        with write_whole_file(path, overwrite=False) as file:
            file.write(b"new")
            path.write_bytes(b"from another process")

    with pytest.raises(FileExistsError, match="overwrite=True would replace it"):
        race()
    assert path.read_bytes() == b"from another process"
    assert list(path.parent.iterdir()) == [path]


@pytest.fixture
def no_hard_links(monkeypatch):
    def refuse(*_):
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(Path, "hardlink_to", refuse)


@pytest.mark.usefixtures("no_hard_links")
class TestWithoutHardLinks:
    def test_files_are_written(self, path):
        write(path)
        assert path.read_bytes() == b"new"
        assert list(path.parent.iterdir()) == [path]

    def test_a_file_made_meanwhile_is_not_replaced(self, path):
        test_a_file_made_meanwhile_is_not_replaced(path)


def test_another_failure_to_link_is_an_error(path, monkeypatch):
    def refuse(*_):
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(Path, "hardlink_to", refuse)
    with pytest.raises(OSError, match="Input/output error") as caught:
        write(path)
    assert caught.value.filename == str(path)
    assert not list(path.parent.iterdir())


def record_syncs(monkeypatch, error=None):
    """Record whether what is waited for is a folder, and fail for those that are."""
    synced, fsync = [], os.fsync

    def sync(descriptor):
        synced.append(stat.S_ISDIR(os.fstat(descriptor).st_mode))
        if synced[-1] and error is not None:
            raise OSError(error, os.strerror(error))
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", sync)
    return synced


@pytest.mark.parametrize("overwrite", [True, False])
def test_the_content_and_then_the_name_come_to_the_disk(path, monkeypatch, overwrite):
    synced = record_syncs(monkeypatch)
    write(path, overwrite=overwrite)
    assert synced == [False, True]


def test_a_file_system_that_does_not_sync_folders(path, monkeypatch):
    synced = record_syncs(monkeypatch, errno.EINVAL)
    write(path)
    assert synced[-1]
    assert path.read_bytes() == b"new"


def test_a_folder_that_cannot_be_synced_is_an_error(path, monkeypatch):
    record_syncs(monkeypatch, errno.EIO)
    with pytest.raises(OSError, match="Input/output error") as caught:
        write(path)
    assert caught.value.filename == str(path)


@pytest.mark.parametrize("umask", [0o022, 0o077, 0o002])
def test_permissions_are_those_of_any_new_file(path, umask):
    previous = os.umask(umask)
    try:
        write(path)
    finally:
        os.umask(previous)
    assert stat.S_IMODE(path.stat().st_mode) == 0o666 & ~umask


def test_a_link_is_followed(path):
    target = path.parent / "elsewhere" / "target"
    target.parent.mkdir()
    target.write_bytes(b"old")
    path.symlink_to(target)
    write(path, overwrite=True)
    assert path.is_symlink()
    assert target.read_bytes() == b"new"


def test_a_link_to_nothing_is_followed(path):
    path.symlink_to(path.parent / "target")
    write(path)
    assert (path.parent / "target").read_bytes() == b"new"


@pytest.mark.parametrize("name", [".", os.devnull])
@pytest.mark.parametrize("overwrite", [True, False])
def test_what_is_no_file_is_an_error(tmp_path, name, overwrite):
    with pytest.raises(ValueError, match="exists and is not a regular file"):
        write(tmp_path / name, overwrite=overwrite)


def test_a_missing_folder_is_an_error_that_names_the_file(tmp_path):
    path = tmp_path / "missing" / "file"
    with pytest.raises(FileNotFoundError) as caught:
        write(path)
    assert caught.value.filename == str(path)


def test_an_error_without_a_number_passes(path):
    def fail():
        with write_whole_file(path, overwrite=False):
            raise OSError("of another kind")

    with pytest.raises(OSError, match="of another kind"):
        fail()
    assert not list(path.parent.iterdir())


def test_errors_of_other_files_keep_their_names(path):
    def read_another():
        with write_whole_file(path, overwrite=False):
            path.with_name("missing.ttf").read_bytes()

    def fill_the_disk():
        with write_whole_file(path, overwrite=False):
            raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(FileNotFoundError, match=r"missing\.ttf"):
        read_another()
    with pytest.raises(OSError, match=f"No space left.*{re.escape(str(path))}"):
        fill_the_disk()


def test_a_kill_leaves_no_file_of_that_name(path):
    code = (
        "import os, signal, sys\n"
        "from numbavol.io.whole_file import write_whole_file\n"
        "with write_whole_file(sys.argv[1], overwrite=False) as file:\n"
        "    file.write(b'half')\n"
        "    file.flush()\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    result = subprocess.run([sys.executable, "-c", code, str(path)], check=False)
    assert result.returncode == -9
    assert not path.exists()


def test_a_word_is_not_taken_for_leave_to_replace_a_file(path):
    path.write_bytes(b"old")
    with pytest.raises(TypeError, match="overwrite: expected True or False, got 'no'"):
        write(path, overwrite="no")
    assert path.read_bytes() == b"old"
