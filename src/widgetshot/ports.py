"""The seams of widgetshot: each protocol is one thing that can be swapped, and each swap touches one room.

A front end makes a notebook a live page, a browser host gives pages to show it in, an executor runs sessions, a store
holds baselines, a sink takes results. Nothing here does any work.
"""

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from widgetshot.model import Result

# Front ends and the pages that they make ---------------------------------------------------------------------------


# Browsers -----------------------------------------------------------------------------------------------------------


# Sessions and results -----------------------------------------------------------------------------------------------


class RunSink(Protocol):
    """Takes the results of a run as they come. Usable from several threads."""

    def add(self, result: "Result", shot: bytes | None = None) -> None:
        """Take one result, with its pictures.

        Args:
            shot: the bytes of the shot's PNG file, where they are encoded already.
        """
        ...


# Baselines ----------------------------------------------------------------------------------------------------------
