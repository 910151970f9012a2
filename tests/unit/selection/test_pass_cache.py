"""What a run may leave out, and the file that it is known from: nothing depends on that file."""

import json
import os
import sysconfig
from dataclasses import dataclass
from pathlib import Path
from time import time_ns
from typing import Any

import pytest

from builders import PATH, notebook_json, picture
from mutations import each_extent, mutations
from stores import in_folder
from widgetshot.baselines.access import Baselines
from widgetshot.files import LOCAL_FOLDER, PACKAGE, encode_png, sha256
from widgetshot.project.loading import load_settings
from widgetshot.project.notebooks import load_notebook
from widgetshot.project.settings import Settings
from widgetshot.selection.document import PassDocument, read_passed, write_passed
from widgetshot.selection.notes import FinishedSession
from widgetshot.selection.pass_cache import PassCache
from widgetshot.selection.session import Session, sessions_of
from widgetshot.selection.snapshot import InputSnapshot

DATA = encode_png(picture(), optimise=True)
SALT = "0123456789abcdef" * 2
UNKNOWN = "not known to have passed"


@dataclass
class Checkout:
    """A project with a notebook that reads a file and imports a module, and a baseline."""

    settings: Settings
    baselines: Baselines
    session: Session

    @property
    def file(self) -> Path:
        return self.settings.root / LOCAL_FOLDER / "passed.json"

    @property
    def key(self) -> str:
        return self.session.targets[0].key(self.settings.environment())

    @property
    def installed(self) -> Path:
        return self.settings.root / "installed"

    def cache(self, **renderer: str) -> PassCache:
        """As another run has it, with little installed: to look at what really is takes half a second."""
        installed = frozenset({str(self.installed)})
        return PassCache(self.settings, lambda: renderer or {"browser": "1"}, self.baselines, installed)

    def reads(self) -> InputSnapshot:
        root = self.settings.root
        return InputSnapshot(
            files=frozenset({str(root / "data.txt"), str(root / "notebooks" / "absent.txt")}),
            folders=frozenset({str(root / "listed")}),
            modules=frozenset({str(root / "modules")}),
            python=(str(root / "python"), "3.11.1", ()),
        )

    def passed(self, cache: PassCache, *, all_passed: bool = True, begin: int | None = None) -> None:
        """A run of the session, which begins and ends when all files have been at rest for a while."""
        later = time_ns() + 10**10
        reads = self.reads() if all_passed else None
        cache.note([FinishedSession(self.session, reads, later if begin is None else begin)])

    def why(self, **renderer: str) -> str:
        return self.cache(**renderer).why(self.session)[0]


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    (tmp_path / "pyproject.toml").write_text("[tool.widgetshot]\njobs = 1\n")
    for folder in ("notebooks", "listed", "modules", "installed"):
        (tmp_path / folder).mkdir()
    for file in ("data.txt", "python"):
        (tmp_path / file).write_text("1")
    (tmp_path / "installed" / "sample-1.0.dist-info").mkdir()
    (tmp_path / PATH).write_text(notebook_json("#| shot: s\nprint(1)"))
    settings = load_settings(tmp_path)
    notebook = load_notebook(settings, tmp_path / PATH)
    baselines = in_folder(settings.baselines)
    (session,) = sessions_of(notebook, notebook.targets)
    made = Checkout(settings, baselines, session)
    baselines.write(made.key, DATA)
    cache = made.cache()
    cache.begin()
    made.passed(cache)
    return made


def test_what_passed_and_has_not_changed_need_not_be_run(checkout: Checkout) -> None:
    why, time = checkout.cache().why(checkout.session)
    assert (why, time[:2]) == ("", "20")


def test_what_is_installed_for_this_process_is_looked_at(checkout: Checkout) -> None:
    caches = [PassCache(checkout.settings, lambda: {"browser": "1"}, checkout.baselines) for _ in "ab"]
    checkout.passed(caches[0])
    (entry,) = json.loads(checkout.file.read_bytes())["content"]["sessions"].values()
    assert {sysconfig.get_path("purelib"), str(PACKAGE)} < entry["trees"].keys()
    assert caches[1].why(checkout.session)[0] == ""


def test_each_change_is_a_reason_that_names_it(checkout: Checkout) -> None:
    root = checkout.settings.root
    before = {path: path.read_bytes() for path in (root / "data.txt", root / PATH)}
    (root / "data.txt").write_text("2")
    assert checkout.why() == "data.txt changed"
    (root / "data.txt").unlink()
    assert checkout.why() == "data.txt is gone"
    (root / PATH).write_text("{}")
    assert checkout.why() == "data.txt is gone"
    for path, data in before.items():
        path.write_bytes(data)
    (root / "notebooks" / "absent.txt").write_text("there")
    assert checkout.why() == "notebooks/absent.txt is new"
    (root / "notebooks" / "absent.txt").unlink()
    (root / "listed" / "a").touch()
    (root / "listed" / "b").touch()
    assert checkout.why() == "listed: a and 1 more are new"
    (root / "listed" / "a").unlink()
    (root / "listed" / "b").unlink()
    (root / "modules" / "no module.txt").touch()
    assert checkout.why() == ""
    (root / "modules" / "helper.py").touch()
    assert checkout.why() == "modules: helper.py is new"
    (root / "modules" / "helper.py").unlink()
    assert checkout.why(browser="2") == "the renderer: browser changed"
    (root / "installed" / "sample-1.0.dist-info").rename(root / "installed" / "sample-1.1.dist-info")
    assert checkout.why() == "what is installed changed: sample 1.0 → 1.1"
    checkout.baselines.remove([checkout.key])
    assert checkout.why() == "the baseline of s changed"


@pytest.mark.parametrize("changes", [{"all_passed": False}, {"begin": 0}])
def test_what_cannot_be_relied_on_is_forgotten(checkout: Checkout, changes: dict[str, Any]) -> None:
    checkout.passed(checkout.cache(), **changes)
    assert checkout.why() == UNKNOWN
    document = json.loads(checkout.file.read_bytes())["content"]
    assert (document["sessions"], document["trees"], document["listings"], document["surroundings"]) == ({}, {}, {}, {})


def test_a_baseline_that_changed_while_it_was_compared_is_not_relied_on_unless_the_run_wrote_it(
    checkout: Checkout,
) -> None:
    begin = time_ns()
    for path in checkout.settings.root.rglob("*"):
        os.utime(path, ns=(0, 0))
    # Only the change of a name can't be set back; what was made before is older than this.
    later = begin + 2 * 10**9
    checkout.baselines.write(checkout.key, DATA)
    assert checkout.baselines.modified_ns(checkout.key) < later
    checkout.passed(checkout.cache(), begin=later)
    assert checkout.why() == ""
    checkout.passed(checkout.cache(), begin=checkout.baselines.modified_ns(checkout.key))
    assert checkout.why() == UNKNOWN


def test_a_name_that_is_no_text_is_kept(checkout: Checkout) -> None:
    name = os.fsdecode(b"\xff.txt")
    (checkout.settings.root / "listed" / name).touch()
    checkout.passed(checkout.cache())
    assert checkout.why() == ""
    (checkout.settings.root / "listed" / name).unlink()
    assert checkout.why() == f"listed: {name} is gone"


@pytest.mark.parametrize(
    "text",
    [
        "", "{", "[]", "5", "null", "\udcff", "[" * 100_000, '{"format": 2}', f'{{"format": 1, "salt": "{SALT}"}}',
        '{"format": 2, "sha256": "", "content": {}}', '{"format": 2, "sha256": "", "content": }',
    ],
)  # fmt: skip
def test_a_damaged_file_counts_as_none_and_is_replaced(checkout: Checkout, text: str) -> None:
    checkout.file.write_bytes(text.encode("utf-8", "surrogateescape"))
    cache = checkout.cache()
    assert (cache.noting, cache.why(checkout.session)) == (True, (UNKNOWN, ""))
    checkout.passed(cache)
    assert checkout.why() == ""


def test_what_was_written_is_read(tmp_path: Path) -> None:
    document = PassDocument(salt=SALT)
    write_passed(tmp_path / "passed.json", document)
    assert read_passed(tmp_path / "passed.json") == (document, "")
    empty, why = read_passed(tmp_path)
    assert "directory" in why
    assert read_passed(tmp_path / "none")[1] == ""
    assert read_passed(tmp_path / "none")[0].salt != empty.salt


def write(file: Path, content: dict[str, Any]) -> None:
    """A file that is whole, whatever it says."""
    digest = sha256(json.dumps(content, separators=(",", ":")).encode())
    file.write_text(json.dumps({"format": 2, "sha256": digest, "content": content}))


@each_extent
def test_every_change_of_one_member_counts_as_none(checkout: Checkout, wrong: int | None) -> None:
    whole = json.loads(checkout.file.read_bytes())
    count = 0
    for said, changed in mutations(whole, wrong):
        checkout.file.write_text(json.dumps(changed))
        assert checkout.why() == UNKNOWN, said
        count += 1
    assert count > (1000 if wrong is None else 300)


@each_extent
def test_every_change_of_one_member_that_is_sealed_anew_has_an_answer(checkout: Checkout, wrong: int | None) -> None:
    content: dict[str, Any] = json.loads(checkout.file.read_bytes())["content"]
    write(checkout.file, content)
    assert checkout.why() == ""
    none = reasons = unnoticed = 0
    for said, changed in mutations(content, wrong):
        write(checkout.file, changed)
        match checkout.why():
            case "":
                # A form can't tell that something was left out, and a table is asked only about what has changed.
                assert said.endswith((" gone", " renamed", "= {}")) or said.startswith(".trees."), said
                unnoticed += 1
            case why if why == UNKNOWN:
                none += 1
            case _:
                reasons += 1
    assert none > (500 if wrong is None else 150)
    assert reasons > (100 if wrong is None else 30)
    assert unnoticed < 50


@pytest.mark.parametrize("share", [0.0, 0.2, 0.5, 0.9, 0.99])
def test_a_file_that_was_cut_short_is_told_and_written_anew(tmp_path: Path, share: float) -> None:
    path = tmp_path / "passed.json"
    write_passed(path, PassDocument(salt="0" * 32, listings={}))
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * share)])
    document, why = read_passed(path)
    assert document.sessions == {}
    assert str(path) in why or "JSON" in why or "line 1" in why, why
    write_passed(path, document)
    assert read_passed(path) == (document, "")


def test_a_file_with_another_digest_is_told(tmp_path: Path) -> None:
    path = tmp_path / "passed.json"
    write_passed(path, PassDocument(salt="0" * 32))
    path.write_bytes(path.read_bytes().replace(b"0" * 32, b"1" * 32))
    assert "is not as it was written" in read_passed(path)[1]
