"""`widgetshot merge`: make one run folder of several."""

from pathlib import Path

import click

from widgetshot.cli.common import output_option
from widgetshot.errors import ConfigError, one_line
from widgetshot.printing import say, say_json
from widgetshot.report.gallery import write_gallery
from widgetshot.report.markdown import append_summary
from widgetshot.report.merge import merge as merge_runs
from widgetshot.report.text import next_lines, summary_lines, time_lines


@click.command()
@click.argument("runs", nargs=-1, type=click.Path(path_type=Path))
@click.option("-o", "--into", type=click.Path(path_type=Path), help="The new run folder.")
@output_option
def merge(runs: tuple[Path, ...], into: Path | None, output: str) -> None:
    """Make one run folder with one gallery of several, such as those of CI's shards.

    RUNS are run folders of one commit. Of a picture in several, the result that failed is kept.
    """
    if not runs or into is None:
        raise ConfigError("name the run folders and the new one", next_step="widgetshot merge RUN... -o FOLDER")
    run = merge_runs(runs, into)
    page = write_gallery(into)
    problem = append_summary(run, into)
    if output == "json":
        say_json(run)
    ended = "" if run.complete else ", which was stopped before its end"
    lines = [f"{len(runs)} run{'' if len(runs) == 1 else 's'} merged into run {run.id}{ended}"]
    lines += [
        *summary_lines(run),
        *time_lines(run),
        *([problem] if problem else []),
        f"gallery: {page}",
        *next_lines(run, str(into)),
    ]
    for line in lines:
        say(one_line(line), err=output == "json")
