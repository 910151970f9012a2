"""Decisions -> baselines, and baselines that nothing declares any more."""

import ast
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from widgetshot.baselines import Store
from widgetshot.errors import BaselineError, ConfigError, RecordError, StaleDecision, WidgetshotError, nearest
from widgetshot.files import sha256
from widgetshot.notebook import Defaults, read_notebook
from widgetshot.record import read_run


@dataclass(frozen=True)
class _Acceptance:
    key: str
    data: bytes
    sidecar: dict[str, Any]


def approve(run_folder: Path, store: Store, names: Sequence[str] = (), *, everything: bool = False) -> list[str]:
    """Turn a run's own shots into baselines, byte for byte. All of those asked for, or none.

    Args:
        names: keys (`page-chromium-linux/notebooks/x/shot`) or names (`notebooks/x.ipynb::shot`).
        everything: all results that can be accepted.

    Returns:
        The keys accepted.

    Raises:
        ConfigError: a name the run doesn't have, or a result that can't be accepted.
        StaleDecision: the baseline or the shot is not what the run saw.
        RecordError, BaselineError: a file can't be read or written.
    """
    entries = {entry["key"]: entry for entry in read_run(run_folder)["tests"]}
    chosen = [
        entry
        for entry in (entries.values() if everything else _named(names, entries))
        if not everything or (entry["verdict"] in ("changed", "resized", "new") and not entry["updated"])
    ]
    accepted, problems = [], []
    for entry in chosen:
        try:
            accepted.append(_check(entry, run_folder, store))
        except WidgetshotError as error:
            problems.append(error)
    if len(problems) == 1:
        raise problems[0]
    if problems:
        raise type(problems[0])("nothing was approved:\n" + "\n".join(f"- {problem}" for problem in problems))
    before = {acceptance.key: store.files(acceptance.key) for acceptance in accepted}
    try:
        for acceptance in accepted:
            store.write(acceptance.key, acceptance.data, acceptance.sidecar)
    except BaselineError:
        for key, files in before.items():
            store.restore(key, files)
        raise
    return [acceptance.key for acceptance in accepted]


def _named(names: Iterable[str], entries: dict[str, dict[str, Any]]) -> list[dict[str, Any]]:
    by_name = {entry["name"]: entry for entry in entries.values()}
    found = []
    for name in dict.fromkeys(names):
        entry = entries.get(name) or by_name.get(name)
        if entry is None:
            raise ConfigError(f"the run has no result '{name}'{nearest(name, [*by_name])}", next_step="widgetshot run")
        found.append(entry)
    return found


def _check(entry: dict[str, Any], run_folder: Path, store: Store) -> _Acceptance:
    name = entry["name"]
    if entry["verdict"] not in ("changed", "resized", "new"):
        why = {
            "match": "it matches its baseline already",
            "broken": "there is no picture of it that can be trusted",
            "unstable": "it never came to rest, so no picture of it can be trusted",
        }[entry["verdict"]]
        raise ConfigError(f"can't be approved: {why}", where=name)
    picture = entry["pictures"]["shot"]
    if picture is None:
        raise RecordError("its picture was not recorded", where=name, next_step="widgetshot run")
    try:
        data = (run_folder / picture["path"]).read_bytes()
        text = (run_folder / "pictures" / f"{entry['key']}.shot.json").read_bytes()
        side = json.loads(text)
    except (OSError, ValueError) as error:
        raise RecordError(f"its picture can't be read: {error}", where=name, next_step="widgetshot run") from error
    if sha256(data) != picture["sha256"] or sha256(text) != picture.get("sidecar_sha256"):
        raise StaleDecision("its picture is not the one the run took", where=name, next_step="widgetshot run")
    current = store.sha256(entry["key"])
    if current != entry["baseline_sha256"]:
        # Approving twice is no conflict: what is there is what was asked for.
        if current == picture["sha256"]:
            return _Acceptance(entry["key"], data, side)
        raise StaleDecision("its baseline has changed since the run", where=name, next_step="widgetshot run")
    return _Acceptance(entry["key"], data, side)


def unused(store: Store, root: Path, defaults: Defaults) -> list[str]:
    """Keys of baselines, in whatever environment, that nothing declares any more.

    Each baseline's key names its notebook, so this needs no list of notebooks and does not depend on what a run
    selected. A baseline of a Python test counts as declared as long as its file has a test of that name: which
    pictures the test checks is known only to the test.

    Args:
        root: the project's folder.
        defaults: the project's settings, which decide on the variants.

    Raises:
        NotebookError, ConfigError: a notebook can't be read, so what it declares is unknown.
    """
    declared: dict[str, set[str]] = {}
    found = []
    for key in sorted(store.keys()):
        path = key.partition("/")[2]
        notebook = f"{path.rpartition('/')[0]}.ipynb"
        if notebook not in declared and (root / notebook).is_file():
            declared[notebook] = {target.path for target in read_notebook(root / notebook, notebook, defaults).targets}
        if path not in declared.get(notebook, ()) and not _has_test(root, path):
            found.append(key)
    return found


def unused_if_known(store: Store, root: Path, defaults: Defaults) -> list[str] | None:
    """As `unused`; None where a notebook can't be read, so that a run can still say everything else."""
    try:
        return unused(store, root, defaults)
    except WidgetshotError:
        return None


def _has_test(root: Path, path: str) -> bool:
    file, separator, rest = path.partition(".py/")
    if not separator:
        return False
    try:
        tree = ast.parse((root / f"{file}.py").read_text(encoding="utf-8"))
    except (OSError, SyntaxError, ValueError):
        return False
    # test_x, TestClass.test_x, test_x[parameter]
    name = rest.partition("/")[0].partition("[")[0].rpartition(".")[2]
    return any(
        isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name == name for node in ast.walk(tree)
    )


def prune(store: Store, keys: Iterable[str]) -> None:
    """Remove baselines.

    Raises:
        BaselineError: a file can't be removed.
    """
    try:
        store.remove(keys)
    except OSError as error:
        raise BaselineError(f"can't be removed: {error}", where=str(error.filename)) from error
