"""The project's outside: its address, its commands, its colours, and nothing of anybody's machine."""

import re
import subprocess

import pytest
from support.project_files import ROOT, project_files, settings


def text_of(path):
    return path.read_text("utf-8", errors="replace")


def copies_of_the_address(files):
    """Where the repository's owner and name stand, other than in the line of _config.yml that sets them."""
    owner, name = settings("_config.yml")["repository"]["url"].removesuffix("/").split("/")[-2:]
    for path, text in files:
        for number, line in enumerate(text.splitlines(), 1):
            if f"{owner}/{name}" in line and not (path == "_config.yml" and line.strip().startswith("url:")):
                yield f"{path}:{number}"


def files_with_text():
    return [(path.relative_to(ROOT).as_posix(), text_of(path)) for path in project_files()]


def test_the_repositorys_address_stands_in_one_place():
    assert list(copies_of_the_address(files_with_text())) == []
    assert text_of(ROOT / "_config.yml").count(settings("_config.yml")["repository"]["url"]) == 1


def test_a_second_copy_of_the_address_is_caught():
    address = settings("_config.yml")["repository"]["url"]
    planted = [("README.md", f"One line.\nSee {address} for more.")]
    assert list(copies_of_the_address(planted)) == ["README.md:2"]


HOMES = ["/" + "home/", "/" + "root/", "/" + "Users/", "/" + "work/", "/" + "tmp/", "C:" + "\\Users"]


def machine_paths(files):
    for path, text in files:
        yield from (
            f"{path}: {home}" for home in HOMES if re.search(rf"(?<![\w.~-]){re.escape(home)}\w", text)
        )


def test_no_file_names_a_folder_of_somebodys_machine():
    assert list(machine_paths(files_with_text())) == []


def test_a_planted_path_of_a_machine_is_caught():
    assert list(machine_paths([("a.py", "open('/" + "home/ada/data.npz')")])) != []
    assert list(machine_paths([("a.py", "see chapters/" + "home/page and ./" + "tmp/x")])) == []


def targets():
    rules = re.findall(r"^([a-z][a-z-]*):(?!=)", text_of(ROOT / "Makefile"), flags=re.MULTILINE)
    return set(rules)


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md", "chapters/index.md"])
def test_every_make_command_the_pages_name_exists(page):
    named = set(re.findall(r"(?:`|^|\n)make ([a-z-]+)", text_of(ROOT / page)))
    assert named
    assert named <= targets()


def test_make_alone_lists_every_target_a_person_may_want():
    listed = subprocess.run(["make"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert {f"make {name}" for name in targets() - {"setup", "setup-test"}} <= set(
        re.findall(r"make [a-z-]+", listed)
    )


def test_every_link_between_the_projects_pages_leads_somewhere():
    for page in ("README.md", "CONTRIBUTING.md", "THIRD_PARTY.md"):
        links = re.findall(r"\]\(([^)#:]+)\)", text_of(ROOT / page))
        assert [link for link in links if not (ROOT / link).exists()] == []


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md"])
def test_every_file_and_folder_the_pages_name_exists(page):
    top = r"src|tools|chapters|results|assets|coursework|pictures"
    tests = r"tests/(?:support|nn|project|keras_twin|experiments|widgets|live)"
    named = re.findall(rf"`((?:{top}|{tests})/[\w/.]*)", text_of(ROOT / page))
    assert len(named) > 5
    assert [path for path in named if not (ROOT / path).exists()] == []


def test_no_data_set_and_no_large_file_is_part_of_the_project():
    listing = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    names = subprocess.run(listing, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\0")
    paths = [ROOT / name for name in names if name and (ROOT / name).is_file()]
    assert [path for path in paths if path.name.endswith((".gz", ".npz", ".npy", ".h5", ".keras"))] == []
    assert [path for path in paths if path.stat().st_size > 1_000_000] == []


def contrast(one, other):
    def luminance(colour):
        parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    dark, light = sorted([luminance(one), luminance(other)])
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_colours_of_figures_can_be_seen_on_the_page_in_each_theme(theme):
    css = text_of(ROOT / "assets" / "book.css")
    block = re.search(rf'html\[data-theme="{theme}"\] \{{(.*?)\n\}}', css, flags=re.DOTALL)[1]
    colours = dict(re.findall(r"--fig-([\w-]+): (#[0-9a-f]{6})", block))
    assert {*"123456", "fg", "muted", "grid", "bg", "pos", "neg"} == set(colours)
    page = colours.pop("bg")
    del colours["grid"]  # meant to recede
    text = {name: contrast(colours[name], page) for name in ("fg", "muted")}
    marks = {name: contrast(colour, page) for name, colour in colours.items()}
    assert {name: ratio for name, ratio in text.items() if ratio < 4.5} == {}
    assert {name: ratio for name, ratio in marks.items() if ratio < 3} == {}
