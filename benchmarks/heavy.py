"""Notebooks that have much of one thing, by this checkout and by another one in turn; prints by `jupyter execute`, too.

    python benchmarks/heavy.py OTHER_CHECKOUT [--only sliders widgets messages prints] [--rounds 5]

Both have a `.venv` of their own (`make setup`). Each approves pictures of its own first; then each round runs one and
then the other, the first of the two in turn. The ratios are of the medians, this checkout's over the other one's; in
the rows of `jupyter execute` (nbclient, in this checkout's environment), ours over that one's. The table goes to
standard output.
"""

import argparse
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import nbformat
from nbformat.v4 import new_code_cell, new_notebook

from before_after import HERE, TABLE, compare, compare_runs, python_of, run
from measuring import adopt_orphans, finish
from suite import machine

SLIDERS = """\
#| shot: shot
import ipywidgets as widgets
widgets.VBox([widgets.IntSlider(k, description=f"slider {k}") for k in range(3)])"""
# 850 with their layouts and styles apart: what a table of a cluster's workers has.
WIDGETS = """\
#| shot: shot
import ipywidgets as widgets
rows = [
    widgets.HBox([widgets.Label(f"worker {k}"), widgets.IntProgress(k, max=212), widgets.HTML(f"<b>{k}</b>")])
    for k in range(212)
]
widgets.VBox([widgets.Label("workers"), *rows])"""
MESSAGES = """\
#| shot: shot
import ipywidgets as widgets
progress = widgets.IntProgress(max=2000)
display(progress)
for k in range(2000):
    progress.value = k + 1"""
PRINTS = """\
#| shot: shot
for k in range({count}):
    print(f"line {{k}}", flush=True)"""
# Name -> what it is, how many notebooks, the cell of each.
WORK = {
    "sliders": ("20 notebooks of 3 sliders", 20, SLIDERS),
    "widgets": ("850 widgets", 1, WIDGETS),
    "messages": ("2,000 comm messages", 1, MESSAGES),
    "prints": ("3,000 flushed prints", 1, PRINTS.format(count=3000)),
}
ONE_PRINT = PRINTS.format(count=1)


def write(folder: Path, count: int, source: str) -> None:
    """Write notebooks of one cell."""
    notebooks = folder / "notebooks"
    notebooks.mkdir()
    kernel = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
    for number in range(count):
        nb = new_notebook(cells=[new_code_cell(source, id="cell")], metadata={"kernelspec": kernel})
        nbformat.write(nb, notebooks / f"n{number:03}.ipynb")
    (folder / "pyproject.toml").write_text('[tool.widgetshot]\nnotebooks = ["notebooks"]\n', encoding="utf-8")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("other", type=Path, help="the checkout of the state before")
    parser.add_argument("--only", nargs="*", choices=WORK, default=list(WORK))
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    adopt_orphans()
    pythons = [python_of(checkout) for checkout in (options.other.resolve(), HERE)]
    print(machine(), TABLE, sep="\n")
    with TemporaryDirectory(prefix="heavy-") as name:
        for key in options.only:
            title, count, source = WORK[key]
            folders = [Path(name) / f"{key}-{index}" for index in (0, 1)]
            work = partial(write, count=count, source=source)
            print(compare_runs(title, pythons, folders, work, options.rounds), flush=True)
        if "prints" in options.only:
            # The start of both commands is in the first row; what it is shows the second one.
            for title, source in ((WORK["prints"][0], WORK["prints"][2]), ("1 print", ONE_PRINT)):
                folder = Path(name) / title
                folder.mkdir()
                write(folder, 1, source)
                execute = [pythons[1], "-m", "jupyter", "execute", "--inplace", "notebooks/n000.ipynb"]
                ours = [pythons[1], "-m", "widgetshot", "run", "--jobs", "2"]
                run([*ours, "--update-baselines"], folder)
                both = f"`jupyter execute` and a run of {title}"
                print(compare(both, [execute, ours], [folder] * 2, options.rounds), flush=True)
    return 0


if __name__ == "__main__":
    finish(main)
