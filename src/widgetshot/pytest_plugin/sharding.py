"""The items of a pytest run, dealt to shards: pictures of notebooks, and Python tests that take some."""

from collections.abc import Iterable, Mapping
from pathlib import Path

import pytest

from widgetshot.project.settings import Settings
from widgetshot.pytest_plugin.items import TargetItem, path_of_test
from widgetshot.selection.shards import Dealing, Identity, Part, ShardPlan, deal, parts_of

FIXTURE = "widgetshot"


def sessions_of(items: Iterable[pytest.Item], root: Path) -> dict[pytest.Item, Identity]:
    """Return what each item is dealt with. What takes no pictures is not dealt, but in all shards.

    Args:
        root: the project's folder.
    """
    sessions: dict[pytest.Item, Identity] = {}
    for item in items:
        if isinstance(item, TargetItem):
            sessions[item] = item.target.session
        elif FIXTURE in getattr(item, "fixturenames", ()):
            sessions[item] = (path_of_test(root, item), "")
    return sessions


def deal_items(sessions: Mapping[pytest.Item, Identity], dealing: Dealing, settings: Settings) -> ShardPlan:
    """Deal what takes pictures."""
    parts: list[Part] = []
    notebooks: dict[str, list[TargetItem]] = {}
    for item, session in sessions.items():
        if isinstance(item, TargetItem):
            notebooks.setdefault(item.notebook.path, []).append(item)
        else:
            parts.append(Part(session))
    for several in notebooks.values():
        parts += parts_of(several[0].notebook, [item.target for item in several])
    return deal(parts, dealing, settings.renderer)


def order_of(sessions: Mapping[pytest.Item, Identity], settings: Settings) -> list[str]:
    """Return the keys of what takes pictures, as `RunWriter.dealt` wants them."""
    # All notebooks are submitted before the first test runs.
    keys = [settings.key(item.target) for item in sessions if isinstance(item, TargetItem)]
    environment = settings.environment()
    tests = [f"{environment}/{path}" for item, (path, _) in sessions.items() if not isinstance(item, TargetItem)]
    return [*keys, *tests]
