"""``scripts/check_links.py``: every link of a site leads somewhere within it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parent.parent / "scripts" / "check_links.py"
pytestmark = pytest.mark.skipif(not SCRIPT.exists(), reason="the scripts are not here")


@pytest.mark.parametrize(
    ("link", "message"),
    [
        ("other/", None),
        ("other/#place", None),
        ("#here", None),
        ("https://example.org/nowhere", None),
        ("none/", "index.html: no file for none/"),
        ("other/#none", "index.html: no place for other/#none"),
        ("../outside.html", "index.html: ../outside.html leaves the site"),
        ("/outside.html", "index.html: /outside.html leaves the site"),
    ],
)
def test_a_link_leads_somewhere_within_the_site(
    link: str, message: str | None, tmp_path: Path
) -> None:
    site = tmp_path / "site"
    (site / "other").mkdir(parents=True)
    (tmp_path / "outside.html").touch()
    (site / "other" / "index.html").write_text('<p id="place">there</p>')
    (site / "index.html").write_text(f'<a id="here" href="{link}">a link</a>')
    # The site by a relative name, as scripts/test has it.
    done = subprocess.run(
        [sys.executable, SCRIPT, "site"], capture_output=True, text=True, cwd=tmp_path, check=False
    )
    assert done.stdout.strip() == (message or "every link leads somewhere")
    assert done.returncode == (message is not None)
