"""Reads the code blocks of README.md, CONTRIBUTING.md and docs."""

import re
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]


@dataclass
class Block:
    heading: str
    language: str
    text: str


def blocks(page: Path) -> list[Block]:
    found, heading = [], ""
    for match in re.finditer(r"^#+ (?P<heading>[^\n]+)$|^```(?P<language>\w*)\n(?P<text>.*?)^```$", page.read_text(), re.M | re.S):
        if match["heading"]:
            heading = match["heading"]
        else:
            found.append(Block(heading, match["language"], match["text"]))
    return found


def only(heading: str, language: str, holding: str = "") -> str:
    """The one block of all pages under the heading in the language that holds the text."""
    texts = [b.text for page in PAGES for b in blocks(page) if b.heading == heading and b.language == language and holding in b.text]
    if len(texts) != 1:
        sys.exit(f"{len(texts)} blocks of {language} with {holding!r} under {heading!r} in README.md, CONTRIBUTING.md and docs, want 1")
    return texts[0]
