"""The minutes to read that a chapter states: 200 words a minute, and ten lines of code."""

import re

import pytest
from support.project_files import chapters, toc_parts

WORDS, LINES = 200, 10  # a minute
NAMES = [name.split("/")[-1] for part, pages in toc_parts() if part.get("numbered") for name in pages]
CHAPTERS = {chapter.name: chapter for chapter in chapters() if chapter.name in NAMES}
FOLDED = r"```\{solution-start\}.*?```\{solution-end\}\n```|:::\{dropdown\}.*?\n:::"


def minutes(chapter):
    """What the chapter takes without what is folded away."""
    open_text = re.sub(FOLDED, "", chapter.body, flags=re.DOTALL)
    words = len(re.findall(r"[A-Za-z][\w'-]*", type(chapter)(chapter.name, open_text).prose))
    lines = sum(bool(line.strip()) for cell in chapter.visible_code for line in cell.source.splitlines())
    return words / WORDS + lines / LINES


@pytest.mark.parametrize("name", CHAPTERS)
def test_the_stated_minutes_are_those_of_its_words_and_lines(name):
    (stated,) = re.findall(r"(\d+) minutes to read", CHAPTERS[name].body)
    assert int(stated) == pytest.approx(minutes(CHAPTERS[name]), rel=0.15)
