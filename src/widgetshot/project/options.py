"""Every option of a project that notebooks don't have, and every flag of both front doors, declared once.

Checks, defaults, "did you mean", help texts and the tables of docs/reference come from here. To add an option, add an
entry, and a field of its name to `Settings` where it may stand in `pyproject.toml`. Then: make reference.

The pytest plugin loads this in every pytest run, so nothing heavy is imported here.
"""

from collections.abc import Iterable
from pathlib import Path

from widgetshot.declare.options import OPTIONS as NOTEBOOK_OPTIONS
from widgetshot.option import Option

OPTIONS = (
    Option(
        name="notebooks",
        parser="widgetshot.values:parse_texts",
        meaning="files and folders that `widgetshot run` takes without arguments",
        takes="a list of paths",
        default=["notebooks"],
        project=True,
    ),
    Option(
        name="exclude",
        parser="widgetshot.values:parse_texts",
        meaning="notebooks that are left out",
        takes="a list of glob patterns",
        default=[],
        project=True,
    ),
    Option(
        name="baselines",
        parser="widgetshot.values:parse_path",
        meaning="the folder of the baselines",
        takes="a path",
        default="baselines",
        project=True,
    ),
    Option(
        name="store",
        parser="widgetshot.project.store:parse_store",
        meaning="what keeps the baselines",
        takes="`folder`, or the name of a store that an installed package offers",
        default="folder",
        more="See [another store](../how-to/baseline-store.md).",
        project=True,
    ),
    Option(
        name="report",
        parser="widgetshot.values:parse_path",
        meaning="the run folder",
        takes="a path",
        default="widgetshot-report",
        project=True,
        run="--report",
        pytest="--widgetshot-report",
        flag_type=Path,
        metavar="DIR",
    ),
    Option(
        name="update",
        meaning="write baselines that are missing, also those that changed (what the bare flag means), or all of them; "
        "or only note what drew pictures that are equal in every pixel",
        takes="`none`, `sheets`, `missing`, `changed` or `all`",
        default="none",
        choices=("none", "sheets", "missing", "changed", "all"),
        project=True,
        run="--update-baselines",
        pytest="--update-baselines",
        bare="changed",
    ),
    Option(
        name="jobs",
        parser="widgetshot.values:parse_count",
        meaning="notebooks that have a page at the same time; with more than one, another one's kernel starts ahead",
        takes="a number",
        otherwise="the number of cores, at least 2",
        project=True,
        run="--jobs",
        pytest="--widgetshot-jobs",
        flag_type=int,
        metavar="N",
    ),
    Option(
        name="browser",
        meaning="the browser to capture with",
        takes="`chromium`, `firefox` or `webkit`",
        default="chromium",
        choices=("chromium", "firefox", "webkit"),
        project=True,
        run="--browser",
        pytest="--widgetshot-browser",
    ),
    Option(
        name="browser_executable",
        parser="widgetshot.values:parse_text",
        meaning="the program of the browser",
        takes="a path",
        default="",
        otherwise="Playwright's own headless shell, then the system's browser",
        project=True,
    ),
    Option(
        name="browser_endpoint",
        parser="widgetshot.project.endpoint:parse_endpoint",
        meaning="the address of a browser on another machine, which draws the pages",
        takes="`ws://HOST:PORT/TOKEN` or `wss://...`, as `widgetshot browser serve` prints it; or, of a browser's "
        "DevTools, `http://HOST:PORT` or `ws://HOST:PORT/devtools/browser/ID`",
        default="",
        otherwise="a browser is launched here",
        more="The variable `WIDGETSHOT_BROWSER_ENDPOINT` comes before `pyproject.toml`, and the flag before both; an "
        "empty flag means here. See [a browser elsewhere](../how-to/browser-elsewhere.md).",
        project=True,
        run="--browser-endpoint",
        pytest="--widgetshot-browser-endpoint",
        metavar="ADDRESS",
    ),
    Option(
        name="platform",
        meaning="the platform of the browser, where that is elsewhere",
        takes="`linux`, `macos` or `windows`",
        otherwise="this machine's",
        choices=("linux", "macos", "windows"),
        project=True,
    ),
    Option(
        name="scale",
        parser="widgetshot.values:parse_positive",
        meaning="device pixels per CSS pixel",
        takes="a number",
        default=1,
        project=True,
    ),
    Option(
        name="locale",
        parser="widgetshot.values:parse_text",
        meaning="the language and region of pages and kernels",
        takes="a BCP 47 tag",
        default="en-US",
        project=True,
    ),
    Option(
        name="timezone",
        parser="widgetshot.values:parse_time_zone",
        meaning="the time zone of pages and kernels",
        takes="a name such as `Europe/Berlin`",
        default="UTC",
        project=True,
    ),
    Option(
        name="repeat",
        parser="widgetshot.values:parse_count",
        meaning="execute and capture every notebook N times, and tell which pictures vary",
        takes="a number",
        default=1,
        more="Pictures of the `widgetshot` fixture are captured once.",
        project=True,
        run="--repeat",
        pytest="--widgetshot-repeat",
        flag_type=int,
        metavar="N",
    ),
    Option(
        name="fonts",
        parser="widgetshot.values:parse_texts",
        meaning="folders of extra fonts; they are part of the fingerprint",
        takes="a list of paths",
        default=[],
        project=True,
    ),
    Option(
        name="secrets",
        parser="widgetshot.values:parse_texts",
        meaning="environment variables whose values are shown nowhere",
        takes="a list of names; `*` stands for any text",
        default=[],
        more="See [secrets](../how-to/secrets-and-cost.md).",
        project=True,
    ),
    Option(
        name="require_env",
        parser="widgetshot.values:parse_flag",
        meaning="fail notebooks whose requires_env is not met, instead of skipping them",
        takes="`true` or `false`",
        default=False,
        more="See [what a notebook needs](notebook-options.md#what-it-needs-of-the-environment).",
        project=True,
        run="--require-env",
        pytest="--widgetshot-require-env",
        flag_type=bool,
    ),
    Option(
        name="debug",
        parser="widgetshot.values:parse_flag",
        meaning="keep a picture of the page and a trace for every result, not only for what is broken or unstable, and "
        "the Jupyter server's log",
        takes="`true` or `false`",
        default=False,
        more="See [the run folder](run-folder.md#traces).",
        project=True,
        run="--debug",
        pytest="--widgetshot-debug",
        flag_type=bool,
    ),
    # Its parser is widgetshot.services.declaration, which needs the project's folder.
    Option(
        name="services",
        meaning="services that notebooks may name, and what is to be otherwise in a built-in one",
        takes="tables `[tool.widgetshot.services.NAME]`",
        more="See [real services](../how-to/services.md).",
        project=True,
    ),
    Option(
        name="cost",
        parser="widgetshot.declare.limits:parse_limits",
        meaning="the most that all notebooks together may spend on paid services in a day (UTC)",
        takes="a table `[tool.widgetshot.cost]` with `max_calls` and `max_cost_usd`; one of the two is enough",
        otherwise="any amount",
        more="See [limits](../how-to/secrets-and-cost.md#limit-what-a-notebook-spends).",
        project=True,
    ),
    Option(
        name="cluster",
        parser="widgetshot.project.cluster:parse_cluster",
        meaning="the Dask cluster whose workers execute and capture the notebooks",
        takes="the address of a scheduler (`tcp://HOST:PORT`, `tls://...`), `local:N` for N workers on this machine, "
        "or the name of a cluster of `[tool.widgetshot.dask]`",
        default="",
        otherwise="this machine alone",
        more="An empty flag means this machine alone. `jobs` does not count then. See [clusters](../how-to/dask.md).",
        project=True,
        run="--dask",
        pytest="--widgetshot-dask",
        metavar="CLUSTER",
    ),
    Option(
        name="dask",
        parser="widgetshot.project.cluster:parse_dask",
        meaning="clusters that may be named, seconds to wait for a first worker, and what workers must draw like",
        takes="a table `[tool.widgetshot.dask]` with `timeout` (600) and `like` (`this` machine, or `each-other`), and "
        "tables `[tool.widgetshot.dask.NAME]` with `class`, `workers` (1) and `arguments`",
        more="See [clusters](../how-to/dask.md).",
        project=True,
    ),
    Option(
        name="quarantine",
        parser="widgetshot.declare.quarantine:parse_quarantines",
        meaning="failures that don't fail the run, until a day",
        takes="tables `[[tool.widgetshot.quarantine]]` with `target`, `reason` and `until`; the first that fits counts",
        more="See [flaky pictures](../how-to/flaky-pictures.md).",
        project=True,
    ),
    Option(
        name="output",
        meaning="what is written to standard output: text for people, or run.json and nothing else",
        default="text",
        choices=("text", "json"),
        run="--output",
    ),
    Option(
        name="suite",
        meaning="run only the shots that carry this marker; what is left out is reported",
        default="",
        more="See [markers](notebook-options.md#markers).",
        run="--suite",
        metavar="NAME",
    ),
    Option(
        name="shard",
        parser="widgetshot.selection.shards:parse_shard",
        meaning="run one of several parts of what is asked for; other machines run the others",
        takes="`NUMBER/COUNT`, as in `2/5`",
        otherwise="all of it",
        more="See [shards](../how-to/shards.md).",
        run="--shard",
        pytest="--widgetshot-shard",
        metavar="N/COUNT",
    ),
    Option(
        name="durations",
        parser="widgetshot.values:parse_text",
        meaning="deal shards by what took how long in an earlier run: its run folder or run.json, or the word history",
        takes="a path, or `history`",
        otherwise="all take as long",
        more="See [shards](../how-to/shards.md).",
        run="--durations",
        pytest="--widgetshot-durations",
        metavar="RUN",
    ),
    Option(
        name="changed",
        meaning="leave out what passed before and is made from nothing that changed since (not in CI)",
        default=False,
        more="See [run only what changed](../how-to/changed.md).",
        run="--changed",
        pytest="--widgetshot-changed",
        flag_type=bool,
    ),
    Option(
        name="without_services",
        meaning="leave out what needs services",
        default=False,
        more="See [real services](../how-to/services.md).",
        run="--without-services",
        flag_type=bool,
    ),
    Option(
        name="skip_missing_services",
        meaning="leave out what needs a service whose programs are not installed here; it fails otherwise",
        default=False,
        more="See [real services](../how-to/services.md).",
        run="--skip-missing-services",
        pytest="--skip-missing-services",
        flag_type=bool,
    ),
)

RUN = {option.name: option for option in (*OPTIONS, *NOTEBOOK_OPTIONS) if option.run}
PYTEST = {option.name: option for option in (*OPTIONS, *NOTEBOOK_OPTIONS) if option.pytest}


def with_bare_values(words: Iterable[str]) -> list[str]:
    """Return the words of a command line, each flag that was given without its value with the one that it stands for.

    Such a flag would take the path behind it for its value otherwise.
    """
    bare = {flag: option.bare for option in OPTIONS if option.bare for flag in (option.run, option.pytest)}
    return [f"{word}={bare[word]}" if word in bare else word for word in words]
