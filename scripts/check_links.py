"""Check that every link and picture of a built site leads somewhere within it.

python scripts/check_links.py site
"""

from __future__ import annotations

import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit


class Page(HTMLParser):
    """The names that a page can be entered at, and what it links to."""

    def __init__(self, file: Path) -> None:
        super().__init__()
        self.names: set[str] = set()
        self.links: list[str] = []
        self.feed(file.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002
        for name, value in attrs:
            if name in ("id", "name") and value:
                self.names.add(value)
            elif name in ("href", "src") and value:
                self.links.append(value)


def find_broken_links(site: Path) -> list[str]:
    """Links within the site that lead nowhere, as lines."""
    site = site.resolve()
    pages = {file: Page(file) for file in sorted(site.rglob("*.html"))}
    broken = [] if pages else [f"{site}: no pages"]
    for file, page in pages.items():
        # What is shown for a wrong address is not at a place of its own.
        if file.name == "404.html":
            continue
        for link in page.links:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            target = (file.parent / unquote(parts.path)).resolve() if parts.path else file
            target = target / "index.html" if target.is_dir() else target
            anchor = unquote(parts.fragment)
            if not target.is_relative_to(site):
                broken.append(f"{file.relative_to(site)}: {link} leaves the site")
            elif not target.is_file():
                broken.append(f"{file.relative_to(site)}: no file for {link}")
            elif anchor and target in pages and anchor not in pages[target].names:
                broken.append(f"{file.relative_to(site)}: no place for {link}")
    return broken


if __name__ == "__main__":
    found = find_broken_links(Path(sys.argv[1]))
    print("\n".join(found) or "every link leads somewhere")
    sys.exit(bool(found))
