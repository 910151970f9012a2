"""Two run folders, such as of the code before and after a change: same results, and the same pixels outside of masks?

    widgetshot run --without-services --report before     (with the one code)
    widgetshot run --without-services --report after      (with the other)
    python benchmarks/same_runs.py before after

Exits with 1 where anything differs.
"""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from widgetshot.files import read_png


def results(folder: Path) -> dict[str, dict[str, Any]]:
    """Return the results of a run folder, by key."""
    run = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    return {result["key"]: result for result in run["tests"]}


def differences(before: Path, after: Path) -> Iterator[str]:
    """Yield one sentence for each thing that differs between two run folders."""
    old, new = results(before), results(after)
    if list(old) != list(new):
        yield f"other keys or another order: {sorted(old.keys() ^ new.keys())[:5]}"
    for key in old.keys() & new.keys():
        one, other = old[key], new[key]
        for member in ("verdict", "status", "updated", "error"):
            if one[member] != other[member]:
                yield f"{key}: {member}: {one[member]} became {other[member]}"
        shots = [entry["pictures"]["shot"] for entry in (one, other)]
        if None in shots:
            if shots != [None, None]:
                yield f"{key}: only one of the two has a shot"
            continue
        pixels = [
            read_png((folder / shot["path"]).read_bytes()).copy()
            for folder, shot in zip((before, after), shots, strict=True)
        ]
        if pixels[0].shape != pixels[1].shape:
            yield f"{key}: {pixels[0].shape} became {pixels[1].shape}"
            continue
        for mask in (*one["masks"], *other["masks"]):
            for left, top, width, height in mask["boxes"]:
                # A mask may begin outside of the picture.
                for each in pixels:
                    each[max(0, top) : max(0, top + height), max(0, left) : max(0, left + width)] = 0
        if count := int(np.any(pixels[0] != pixels[1], axis=2).sum()):
            yield f"{key}: {count} pixels differ outside of the masks"


def main() -> None:
    before, after = map(Path, sys.argv[1:3])
    found = list(differences(before, after))
    for sentence in found:
        print(sentence)
    print(f"{len(results(after))} results, {len(found)} differences")
    sys.exit(bool(found))


if __name__ == "__main__":
    main()
