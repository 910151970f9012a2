"""The store of baselines: read, write atomically, list.

A baseline is `<folder>/<key>.png` with a sidecar `<key>.json` that says in text what the picture shows, so that a
diff in git can be read.
"""

import contextlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from widgetshot.errors import BaselineError
from widgetshot.files import read_png, sha256, write_atomically, write_together
from widgetshot.model import Baseline, Box, Element

FORMAT = 1
_MOST_ELEMENTS = 400  # that a page lists, see js/src/live/layout.ts


@dataclass(frozen=True)
class Store:
    """The baselines under one folder."""

    folder: Path

    def path(self, key: str) -> Path:
        """Where the picture of `key` is.

        Raises:
            BaselineError: the key would lead out of the folder.
        """
        parts = PurePosixPath(key)
        odd = "\\" in key or "\0" in key or not parts.parts or ":" in parts.parts[0]
        if odd or parts.is_absolute() or ".." in parts.parts:
            raise BaselineError(f"key {key!r} leads out of the baselines folder")
        path = self.folder / f"{key}.png"
        try:
            # A link inside the folder could lead out of it as well.
            inside = path.parent.resolve().is_relative_to(self.folder.resolve())
        except (OSError, RuntimeError, ValueError):  # links in a circle, half a surrogate pair
            inside = False
        if not inside:
            raise BaselineError(f"key {key!r} leads out of the baselines folder")
        return path

    def read(self, key: str) -> Baseline | None:
        """The baseline of `key`, or None when there is none.

        Raises:
            BaselineError: there is one, but it is no readable picture.
        """
        path = self.path(key)
        try:
            data = path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise BaselineError(f"the baseline can't be read: {error}", where=str(path)) from error
        try:
            pixels = read_png(data)
        except Exception as error:
            raise BaselineError(
                f"the baseline is no readable picture: {error}",
                where=self._short(path),
                next_step=f"git checkout -- '{self._short(path)}'  (or take it anew: --update-baselines)",
            ) from error
        side = self._sidecar(path)
        digest = sha256(data)
        if side.get("sha256") != digest:
            # It tells of another picture, for example after a merge that took one file of each side.
            side = {}
        try:
            masks = {
                str(place): tuple(Box(*map(int, box)) for box in boxes)
                for place, boxes in dict(side.get("masks", {})).items()
            }
            fingerprint = dict(side.get("fingerprint", {}))
        except (TypeError, ValueError, AttributeError) as error:
            raise BaselineError(
                f"its sidecar can't be understood: {error}",
                where=self._short(path),
                next_step=f"git checkout -- '{self._short(path.parent)}'",
            ) from error
        return Baseline(pixels, data, digest, fingerprint, side.get("widgets"), masks, _layout(side), _layout_cut(side))

    def sha256(self, key: str) -> str | None:
        """The digest of the stored file, whatever it holds; None when there is none."""
        path = self.path(key)
        try:
            return sha256(path.read_bytes())
        except FileNotFoundError:
            return None
        except OSError as error:
            raise BaselineError(f"the baseline can't be read: {error}", where=self._short(path)) from error

    def _sidecar(self, path: Path) -> Mapping[str, Any]:
        try:
            side = json.loads(_beside(path).read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {}
        except (OSError, ValueError) as error:
            raise BaselineError(
                f"its sidecar can't be read: {error}",
                where=self._short(path),
                next_step=f"git checkout -- '{self._short(path.parent)}'",
            ) from error
        # Of a later format only the picture is sure to be understood.
        return side if isinstance(side, dict) and side.get("format") == FORMAT else {}

    def write(self, key: str, data: bytes, sidecar: Mapping[str, Any]) -> None:
        """Store a picture's bytes and its sidecar; both or none.

        Args:
            data: the PNG file's bytes, stored as they are.
            sidecar: see `record.sidecar`.

        Raises:
            BaselineError: it can't be written.
        """
        self.write_all([(key, data, sidecar)])

    def write_all(self, pictures: Iterable[tuple[str, bytes, Mapping[str, Any]]]) -> None:
        """Store several pictures as `write` does; all of them or none.

        Raises:
            BaselineError: one can't be written; everything is as it was.
        """
        files: dict[Path, bytes] = {}
        for key, data, sidecar in pictures:
            text = json.dumps(
                {"format": FORMAT, "sha256": sha256(data), **sidecar}, indent=1, ensure_ascii=False, sort_keys=True
            )
            files[self.path(key)] = data
            files[_beside(self.path(key))] = (text + "\n").encode(errors="backslashreplace")
        absent = {folder for file in files for folder in file.parents if not folder.exists()}
        try:
            for file in files:
                file.parent.mkdir(parents=True, exist_ok=True)
            write_together(files)
        except BaseException as error:
            for folder in sorted(absent, reverse=True):
                with contextlib.suppress(OSError):
                    folder.rmdir()
            if isinstance(error, OSError):
                where = self._short(Path(error.filename2 or error.filename or self.folder))
                raise BaselineError(f"the baseline can't be written: {error.strerror or error}", where=where) from error
            raise

    def files(self, key: str) -> dict[Path, bytes | None]:
        """The picture and the sidecar of `key` as they are; None for one that does not exist. See `restore`."""
        path = self.path(key)
        both = (path, _beside(path))
        return {file: file.read_bytes() if file.is_file() else None for file in both}

    def restore(self, key: str, files: Mapping[Path, bytes | None]) -> None:
        """Put back what `files` gave.

        Raises:
            BaselineError: it can't be put back.
        """
        for file, data in files.items():
            try:
                if data is not None:
                    file.parent.mkdir(parents=True, exist_ok=True)
                    write_atomically(file, data)
                elif file.is_file():
                    file.unlink()
            except OSError as error:
                raise BaselineError(f"the baseline can't be put back: {error}", where=self._short(file)) from error
        self._remove_empty_folders(self.path(key))

    def keys(self) -> set[str]:
        """All stored keys."""
        if not self.folder.is_dir():
            return set()
        pictures = (path for path in self.folder.rglob("*.png") if path.is_file())
        return {path.relative_to(self.folder).as_posix().removesuffix(".png") for path in pictures}

    def remove(self, keys: Iterable[str]) -> None:
        """Remove pictures, their sidecars, and folders that are empty then."""
        for key in keys:
            path = self.path(key)
            path.unlink(missing_ok=True)
            _beside(path).unlink(missing_ok=True)
            self._remove_empty_folders(path)

    def _remove_empty_folders(self, path: Path) -> None:
        for folder in path.parents:
            if folder == self.folder:
                break
            with contextlib.suppress(OSError):
                folder.rmdir()

    def _short(self, path: Path) -> str:
        with contextlib.suppress(ValueError):
            return path.relative_to(self.folder.parent).as_posix()
        return str(path)


def _layout(side: Mapping[str, Any]) -> tuple[Element, ...] | None:
    """The layout of a sidecar; None where it tells none. It only explains, so a damaged one is no error."""
    try:
        return tuple(map(Element.parse, side["layout"]))
    except (KeyError, TypeError, ValueError, AttributeError):
        return None


def _layout_cut(side: Mapping[str, Any]) -> bool:
    """Whether the sidecar's layout lacks some elements; older ones don't say it, and end where the page's list did."""
    layout = side.get("layout")
    return side.get("layout_cut") is True or (isinstance(layout, list) and len(layout) >= _MOST_ELEMENTS)


def _beside(picture: Path) -> Path:
    """The sidecar of a picture."""
    return picture.with_name(picture.name.removesuffix(".png") + ".json")
