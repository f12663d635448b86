"""``--report``: a web page of what was done."""

from __future__ import annotations

import html
import html.parser
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from numbavol.cli import main

PEPTIDE = Path(__file__).parent.parent / "data" / "3al1.cif.gz"
CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
COMMANDS = {
    "render": ["render", str(PEPTIDE), "-o", "out.mrc", "--box", "16"],
    "project of a model": ["project", str(PEPTIDE), "-o", "out.mrcs", "--poses", "random:3"],
    "project of a map": ["project", "map.mrc", "-o", "out.mrcs", "--poses", "random:3"],
    "filter": ["filter", "map.mrc", "-o", "out.mrc", "--lowpass", "9"],
    "fsc": ["fsc", "map.mrc", "map.mrc"],
}


class Page(html.parser.HTMLParser):
    """What a page links to, and the tags that are open."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.alternatives: list[str] = []
        self.open_tags: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.links += [str(value) for name, value in attrs if name in ("src", "href")]
        self.alternatives += [str(value) for name, value in attrs if name == "alt"]
        if tag not in ("meta", "img"):
            self.open_tags.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open_tags.pop() == tag


@pytest.fixture
def folder(map_file: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(map_file.parent)
    return map_file.parent


@pytest.mark.parametrize("name", COMMANDS)
def test_a_page_says_what_the_command_said_and_needs_no_network(
    name: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*COMMANDS[name], "--report", "out.html"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines.pop().split() == ["report", "out.html"]
    text = (folder / "out.html").read_text()
    page = Page(text)
    assert page.open_tags == []
    assert len(page.links) == 1
    assert page.links[0].startswith("data:image/png;base64,")
    assert not re.search("https?:|@import|url\\(", text)
    steps = re.findall('<th scope="row">(.*?)</th><td>(.*?)</td>', text)
    assert [html.unescape(" ".join(step)).split() for step in steps] == list(map(str.split, lines))
    assert len({step for step, _ in steps}) == len(steps)
    # Who cannot see the picture reads its caption anyway.
    (caption,) = re.findall("<figcaption>(.*?)</figcaption>", text)
    assert len(page.alternatives) == 1
    assert page.alternatives[0] not in ("", html.unescape(caption))
    assert text.count("<main>") == 1
    assert html.escape(" ".join(COMMANDS[name][2:]), quote=False) in text


def test_the_facts_of_a_page_are_those_of_json(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*COMMANDS["fsc"], "--report", "out.html", "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    found = re.search('<pre id="facts">(.*?)</pre>', (folder / "out.html").read_text(), re.DOTALL)
    assert found is not None
    assert {**json.loads(html.unescape(found[1])), "report": "out.html"} == facts


def test_what_a_file_is_called_is_text_not_html(folder: Path) -> None:
    (folder / "map.mrc").rename(folder / "<b>&.mrc")
    assert main(["fsc", "<b>&.mrc", "<b>&.mrc", "--report", "out.html"]) == 0
    assert "<b>" not in (folder / "out.html").read_text()


def test_warnings_stand_on_the_page(folder: Path) -> None:
    command = ["render", str(PEPTIDE), "-o", "out.mrc", "--box", "8", "--report", "out.html"]
    assert main(command) == 0
    assert '<p class="warning">' in (folder / "out.html").read_text()


@pytest.mark.parametrize(
    ("page", "status", "message"),
    [
        ("out.txt", 2, "--report: expected a name that ends in .html"),
        ("none/out.html", 1, "there is no folder none"),
        ("there.html", 1, "the file exists; --overwrite replaces it"),
    ],
)
def test_a_page_that_cannot_be_written_is_found_before_the_work(
    page: str, status: int, message: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "there.html").touch()
    assert main([*COMMANDS["render"], "--report", page]) == status
    assert message in capsys.readouterr().err
    assert not (folder / "out.mrc").exists()


def test_without_jinja_the_error_says_what_to_install(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "jinja2", None)
    assert main([*COMMANDS["render"], "--report", "out.html"]) == 1
    assert capsys.readouterr().err.endswith('pip install ".[plot]", in the checkout of numbavol\n')
    assert not (folder / "out.mrc").exists()


@pytest.mark.heavy
@pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium")
def test_a_browser_without_network_shows_the_page_and_its_picture(folder: Path) -> None:
    assert main([*COMMANDS["project of a map"], "--report", "out.html"]) == 0
    page = (folder / "out.html").read_text()
    # The browser itself says what it has loaded.
    script = (
        "<script>addEventListener('load', () => { const image = document.images[0];"
        "document.title = `${image.complete} ${image.naturalWidth} "
        "${document.documentElement.scrollWidth <= innerWidth}`; })</script>"
    )
    (folder / "asked.html").write_text(page.replace("</body>", f"{script}</body>"))
    done = subprocess.run(
        [
            str(CHROMIUM), "--headless", "--no-sandbox", "--disable-gpu",
            "--host-resolver-rules=MAP * ~NOTFOUND", "--window-size=500,900", "--dump-dom",
            (folder / "asked.html").as_uri(),
        ],
        check=True, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert re.search(r"<title>true [1-9]\d+ true</title>", done.stdout)
