"""The one place where a project's store of baselines is opened."""

from collections.abc import Callable
from importlib.metadata import entry_points

from widgetshot.baselines.access import Baselines
from widgetshot.baselines.folder import FolderStore
from widgetshot.errors import ConfigError
from widgetshot.ports import BaselineStore
from widgetshot.project.settings import Settings
from widgetshot.project.store import FOLDER_STORE, STORES


def open_baselines(settings: Settings) -> Baselines:
    """Return the baselines of a project, in the store that its settings name.

    Raises:
        ConfigError: the package that offers this store can't be imported.
    """
    if settings.store == FOLDER_STORE:
        return Baselines(FolderStore(settings.baselines))
    entry = entry_points(group=STORES)[settings.store]
    try:
        open_store: Callable[[Settings], BaselineStore] = entry.load()
    except Exception as error:
        raise ConfigError(
            f"the store '{settings.store}' can't be imported: {type(error).__name__}: {error}",
            where="pyproject.toml [tool.widgetshot] store",
            next_step=f"python -c 'import {entry.module}'",
        ) from error
    return Baselines(open_store(settings))
