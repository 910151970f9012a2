"""The name of the store of baselines that a project says."""

from typing import Any

from widgetshot.errors import nearest
from widgetshot.values import BadValue, parse_text

FOLDER_STORE = "folder"
# The group of entry points by which a package offers a store: name -> a function (Settings) -> BaselineStore.
STORES = "widgetshot.baseline_stores"


def parse_store(value: Any) -> str:
    """Parse the name of a store.

    Raises:
        BadValue: no installed package offers it.
    """
    name = parse_text(value)
    if name == FOLDER_STORE:
        return name
    from importlib.metadata import entry_points

    offered = {FOLDER_STORE, *entry_points(group=STORES).names}
    if name not in offered:
        raise BadValue(
            f"no store '{name}' is installed{nearest(name, offered)}",
            next_step=f'install the package that has it, or keep baselines in a folder: store = "{FOLDER_STORE}"',
        )
    return name
