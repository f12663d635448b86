from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import numbavol.data
from numbavol.data import enterotoxin


def test_the_sample_is_a_file():
    assert enterotoxin().is_file()
    assert enterotoxin() == enterotoxin()


def test_the_sample_can_be_had_from_a_zipped_package(tmp_path):
    package = Path(numbavol.data.__file__).parent
    archive = tmp_path / "package.zip"
    with zipfile.ZipFile(archive, "w") as contents:
        contents.writestr("numbavol/__init__.py", "")
        for name in ("__init__.py", "1tii.cif.gz"):
            contents.write(package / name, f"numbavol/data/{name}")
    code = (
        f"import sys; sys.path.insert(0, {str(archive)!r})\n"
        "from numbavol.data import enterotoxin\n"
        "print(len(enterotoxin().read_bytes()), enterotoxin())"
    )
    result = subprocess.run(
        [sys.executable, "-I", "-c", code], capture_output=True, text=True, check=True
    )
    size, path = result.stdout.split()
    assert int(size) == enterotoxin().stat().st_size
    assert not Path(path).exists()
