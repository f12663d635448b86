"""Print the oldest version of each package that pyproject.toml allows, as constraints for pip.

python scripts/oldest_versions.py > constraints.txt
"""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

PROJECT = Path(__file__).parent.parent / "pyproject.toml"
# What users install without a card. The tools of tests are as new as they can be.
EXTRAS = ("plot", "dask", "zarr")
BOUND = re.compile(r"([\w-]+)(?:\[\w+\])?>=([\d.]+)")


def find_oldest_versions(project_file: Path) -> list[str]:
    """Lower bounds of all packages that are needed, as lines."""
    project = tomllib.loads(project_file.read_text(encoding="utf-8"))["project"]
    needed = list(project["dependencies"])
    for extra in EXTRAS:
        needed += project["optional-dependencies"][extra]
    lines = []
    for text in needed:
        bound = BOUND.match(text)
        if bound is None:
            message = f"{project_file}: {text!r} has no oldest version"
            raise ValueError(message)
        lines.append(f"{bound[1]}=={bound[2]}")
    return lines


if __name__ == "__main__":
    print("\n".join(find_oldest_versions(PROJECT)))
