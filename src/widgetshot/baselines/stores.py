"""The one place where a project's store of baselines is opened."""

from collections.abc import Callable
from importlib.metadata import entry_points

from widgetshot.baselines.access import Baselines
from widgetshot.baselines.folder import FolderStore
from widgetshot.errors import ConfigError
from widgetshot.ports import BaselineStore
from widgetshot.project.settings import Settings
from widgetshot.project.store import FOLDER_STORE, STORES
from widgetshot.shell import quoted


def open_baselines(settings: Settings, *, finish: bool = True) -> Baselines:
    """Return the baselines of a project, in the store that its settings name; what was left half written is finished.

    Args:
        finish: false where somebody else may be writing, and nothing is to be written here.

    Raises:
        ConfigError: the package that offers this store can't be imported.
        BaselineError: what a command that was killed had begun to write can't be finished.
    """
    if settings.store == FOLDER_STORE:
        store = FolderStore(settings.baselines)
        return Baselines(store, tuple(store.recover()) if finish else ())
    entry = entry_points(group=STORES)[settings.store]
    try:
        open_store: Callable[[Settings], BaselineStore] = entry.load()
    except Exception as error:
        raise ConfigError(
            f"the store '{settings.store}' can't be imported: {type(error).__name__}: {error}",
            where="pyproject.toml [tool.widgetshot] store",
            next_step=f"python -c {quoted(f'import {entry.module}')}",
        ) from error
    return Baselines(open_store(settings))
