"""A course: its secret seed, its variants, its private files, and what its students get to see.

my_course/
    seed           a secret; other inputs for every course, the same for everybody in it
    course.json    {"show": "categories", "variants": {"a02": {"kernel": "turned"}}}
    roster.csv     id, name, email, login, section
    coursework/    private files of the shape of the book's coursework/: they replace or join the public ones
"""

import hashlib
import json
import secrets
from dataclasses import dataclass, field
from pathlib import Path

from cnnbook.coursework import source
from cnnbook.files import atomic_write

FILES = ("seed", "course.json", "roster.csv")
POLICIES = ("names", "categories", "values")
PUBLIC_SEED = b"public"


@dataclass(frozen=True)
class Course:
    """What decides the inputs and the tests of a course.

    seed : of all inputs. secret : False for the public seed.
    show : one of POLICIES, how much feedback says of hidden tests.
    variants : settings of the assignments, by id. root : the folder of the public assignments.
    """

    folder: Path | None = None
    seed: int = 0
    secret: bool = False
    show: str = "categories"
    variants: dict = field(default_factory=dict)
    root: Path = source.ROOT

    def assignment(self, name: str) -> source.Assignment:
        """One assignment as this course has it."""
        return source.read(name, self.root, self.overlay, self.variants.get(name))

    def assignments(self) -> list[source.Assignment]:
        """All of them, in order."""
        return [self.assignment(name) for name in source.find(self.root, self.overlay)]

    @property
    def overlay(self) -> Path | None:
        """The folder of the course's own files."""
        return self.folder / "coursework" if self.folder else None


def load(folder: str | None = None, seed_file: str | None = None, root: Path = source.ROOT) -> Course:
    """Read a course's folder; without one, the public course that anybody can repeat.

    Raises
    ------
    ValueError : if the folder lacks its seed, or course.json holds an unknown setting.
    """
    place = Path(folder) if folder else None
    settings = {}
    if place:
        if not (place / "seed").is_file() and not seed_file:
            begun = any((place / name).exists() for name in FILES)
            advice = "Put it back, or give --seed-file" if begun else f"Make a course with: new {place}"
            raise ValueError(f"{place} must hold a file named seed. {advice}.")
        if (place / "course.json").is_file():
            settings = settings_of(place / "course.json", source.find(root, place / "coursework"))
    show, variants = settings.get("show", "categories"), settings.get("variants", {})
    path = Path(seed_file) if seed_file else place / "seed" if place else None
    secret = path.read_bytes().strip() if path else PUBLIC_SEED
    if len(secret) < 16 and path:
        raise ValueError(
            f"{path} must hold at least 16 characters. It holds {len(secret)}: it could be guessed."
        )
    seed = int.from_bytes(hashlib.sha256(secret).digest()[:8], "big")
    return Course(place, seed, path is not None, show, variants, Path(root))


def settings_of(path: Path, assignments: list[str]) -> dict:
    """What course.json says.

    Raises
    ------
    ValueError : if it is not JSON, or holds an unknown setting.
    """
    try:
        settings = json.loads(path.read_text("utf-8"))
    except ValueError as error:
        raise ValueError(f"{path} must be JSON: {error}.") from None
    if not isinstance(settings, dict):
        raise ValueError(f'{path} must be an object, like {{"show": "names"}}. Received {settings!r}.')
    if unknown := sorted(settings.keys() - {"show", "variants"}):
        raise ValueError(f"{path} may hold show and variants. Received {', '.join(unknown)}.")
    show, variants = settings.get("show", "categories"), settings.get("variants", {})
    if show not in POLICIES:
        raise ValueError(f"{path}: show must be {' or '.join(POLICIES)}. Received show={show!r}.")
    if not isinstance(variants, dict) or not all(isinstance(each, dict) for each in variants.values()):
        like = '{"a02": {"kernel": "turned"}}'
        raise ValueError(f"{path}: variants must be an object, like {like}. Received {variants!r}.")
    if unknown := sorted(variants.keys() - set(assignments)):
        raise ValueError(
            f"{path}: variants must be of {', '.join(assignments)}. Received {', '.join(unknown)}."
        )
    return settings


def new(folder: str) -> list[Path]:
    """Make a course's folder with a new secret seed.

    Raises
    ------
    ValueError : if there is a course already; nothing is overwritten.
    """
    place = Path(folder)
    if there := [name for name in FILES if (place / name).exists()]:
        raise ValueError(
            f"{place} is a course already: it holds {', '.join(there)}, and nothing is overwritten. "
            "Choose another folder."
        )
    (place / "coursework").mkdir(parents=True, exist_ok=True)
    settings = json.dumps({"show": "categories", "variants": {}}, indent=2) + "\n"
    texts = (secrets.token_hex(32) + "\n", settings, "id,name,email,login,section\n")
    for name, text in zip(FILES, texts, strict=True):
        atomic_write(place / name, text)
    (place / "seed").chmod(0o600)
    return [place / name for name in FILES]
