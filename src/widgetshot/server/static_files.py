"""Files that pages are made of: our own scripts and styles, JupyterLab's, and installed front ends."""

import os

from tornado import web  # type: ignore[attr-defined]


class StaticHandler(web.StaticFileHandler):
    """Files that are the same for every page; the browser may keep them."""

    ascii = True  # whether all scripts are

    def set_extra_headers(self, path: str) -> None:
        """See `StaticFileHandler.set_extra_headers`."""
        self.set_header("Cache-Control", "max-age=86400")
        if path.endswith(".js") and self.ascii:
            # Chromium compiles scripts while they arrive, before it looks whether it has compiled them already, as it
            # has when pages share a process. It can't do so with this encoding, of which ASCII is a part.
            self.set_header("Content-Type", "text/javascript; charset=x-user-defined")


class SearchHandler(StaticHandler):
    """The first of several folders that has the file. `path` may hold nothing that leads out of them."""

    ascii = False
    roots: tuple[str, ...] = ()

    def initialize(self, roots: tuple[str, ...]) -> None:
        """Take the folders to look in."""
        super().initialize(roots[0] if roots else os.devnull)
        self.roots = roots

    def validate_absolute_path(self, root: str, absolute_path: str) -> str:
        """See `StaticFileHandler.validate_absolute_path`."""
        path = os.path.relpath(absolute_path, root)
        for folder in self.roots:
            found = os.path.abspath(os.path.join(folder, path))
            if found.startswith(os.path.abspath(folder) + os.sep) and os.path.isfile(found):
                self.root = folder
                return str(super().validate_absolute_path(folder, found))
        raise web.HTTPError(404, f"{path} is not installed")
