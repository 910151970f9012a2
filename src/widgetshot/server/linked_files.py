# Runs in the kernel before a notebook's first cell, where files of the project were too large to be copied: the
# notebook reads those through links. Before Python writes to one of them, the link is replaced by a copy.
#
# It runs in a namespace of its own: no name of it is seen by the notebook.
import json
import os
import shutil
import sys

_WRITES = os.O_WRONLY | os.O_RDWR | os.O_TRUNC


def _hook_of(links):
    fspath, fsdecode, join, split, islink = os.fspath, os.fsdecode, os.path.join, os.path.split, os.path.islink
    realpath, abspath, readlink, replace, copy = os.path.realpath, os.path.abspath, os.readlink, os.replace, shutil.copy

    def part(path):
        """Replace a link by a copy of what it leads to."""
        if isinstance(path, int):
            return
        folder, name = split(abspath(fsdecode(fspath(path))))
        place = join(realpath(folder), name)
        if place in links and islink(place):
            source = readlink(place)
            copy(source, place + ".widgetshot-copy")
            replace(place + ".widgetshot-copy", place)
            links.discard(place)

    def opened(path, mode, flags):
        writes = any(letter in mode for letter in "wa+") if isinstance(mode, str) else flags & _WRITES
        if writes:
            part(path)

    def changed(path, *_):
        part(path)

    def database_opened(path, *_):
        path = fsdecode(fspath(path))
        part(path.removeprefix("file:").partition("?")[0])

    watchers = {
        "open": opened, "os.truncate": changed, "os.chmod": changed, "os.chown": changed, "os.utime": changed,
        "os.setxattr": changed, "os.removexattr": changed, "os.link": changed, "sqlite3.connect": database_opened,
    }  # fmt: skip

    def hook(event, arguments):
        watcher = watchers.get(event)
        if watcher is not None:
            watcher(*arguments)

    return hook


def _linked_files():
    try:
        with open(os.path.join(os.path.dirname(os.environ["HOME"]), "links"), encoding="utf-8") as file:
            links = json.load(file)
    except OSError:
        return  # the common case: everything was copied
    links = {os.path.join(os.path.realpath(os.path.dirname(link)), os.path.basename(link)) for link in links}
    sys.addaudithook(_hook_of(links))


if hasattr(sys, "addaudithook"):
    _linked_files()
