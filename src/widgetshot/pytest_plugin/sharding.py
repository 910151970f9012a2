"""The items of a pytest run, dealt to shards: pictures of notebooks, and Python tests that take some."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import pytest

from widgetshot.pytest_plugin.items import TargetItem, path_of_test
from widgetshot.selection.shards import Dealing, Identity, Part, ShardPlan, deal, parts_of

FIXTURE = "widgetshot"


def deal_items(items: Iterable[pytest.Item], dealing: Dealing, root: Path, environment: str) -> ShardPlan:
    """Deal what takes pictures.

    Args:
        root: the project's folder.
        environment: the name of the environment.
    """
    parts: list[Part] = []
    notebooks: dict[str, list[TargetItem]] = {}
    for item in items:
        if isinstance(item, TargetItem):
            notebooks.setdefault(item.notebook.path, []).append(item)
        elif (session := session_of(item, root)) is not None:
            parts.append(Part(session))
    for several in notebooks.values():
        parts += parts_of(several[0].notebook, [item.target for item in several])
    return deal(parts, dealing, environment)


def others(items: Sequence[pytest.Item], plan: ShardPlan, root: Path) -> list[pytest.Item]:
    """Return the items that other shards have. What takes no pictures is in all of them."""
    return [item for item in items if (session := session_of(item, root)) is not None and session not in plan.own]


def order_of(items: Iterable[pytest.Item], root: Path, environment: str) -> list[str]:
    """Return the keys of what takes pictures, as `RunWriter.dealt` wants them."""
    # All notebooks are submitted before the first test runs.
    keys, tests = [], []
    for item in items:
        if isinstance(item, TargetItem):
            keys.append(item.target.key(environment))
        elif (session := session_of(item, root)) is not None:
            tests.append(f"{environment}/{session[0]}")
    return [*keys, *tests]


def session_of(item: pytest.Item, root: Path) -> Identity | None:
    """Return what an item is dealt with; None for what takes no pictures."""
    if isinstance(item, TargetItem):
        return item.target.session
    if FIXTURE in getattr(item, "fixturenames", ()):
        return (path_of_test(root, item), "")
    return None
