"""The headless Jupyter Server: executes notebooks, serves them as live pages, owns their kernels.

`jupyter server extension enable widgetshot.server` adds the same to any Jupyter Server.
"""

from typing import Any


def _jupyter_server_extension_points() -> list[dict[str, str]]:
    return [{"module": "widgetshot.server"}]


def _load_jupyter_server_extension(serverapp: Any) -> None:
    from widgetshot.server.extension import load

    load(serverapp)
