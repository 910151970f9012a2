"""The plan of a run: what is asked for, and what of it is left out and why. Nothing heavy is imported here."""

from collections.abc import Container
from dataclasses import dataclass, field

from widgetshot.declare.notebook import Notebook
from widgetshot.declare.shots import PAGE_SHOT
from widgetshot.errors import ConfigError, ServerError, WidgetshotError
from widgetshot.model import Target
from widgetshot.project.notebooks import check_marker, find_notebooks, load_notebook
from widgetshot.project.settings import Settings
from widgetshot.selection.shards import Dealing, Identity, Part, ShardPlan, deal, parts_of


@dataclass(frozen=True)
class RunRequest:
    """A request to run notebooks.

    Attributes:
        paths: notebooks and folders; those of the configuration where there are none.
        suite: the marker that all targets must carry, or "".
        only_changed: leave out what passed before and is made from nothing that changed.
        without_services: leave out what needs services.
        skip_missing_services: leave out what needs services whose programs are not installed.
        dealing: asks for one of several shards of all this; None for all of it.
    """

    paths: tuple[str, ...] = ()
    suite: str = ""
    only_changed: bool = False
    without_services: bool = False
    skip_missing_services: bool = False
    dealing: Dealing | None = None


@dataclass(frozen=True)
class RunPlan:
    """The notebooks and targets that a run consists of.

    Attributes:
        selected: the notebooks that are run, each with those of its targets that are.
        skipped: path of each notebook that is left out -> why.
        unreadable: path of each notebook that can't be read -> why.
        outside_suite: number of targets that don't carry the suite's marker.
        shards: what each shard consists of, and which the run is; None where it is all of them.
        order: keys of all that was asked for, in all shards.
    """

    selected: list[tuple[Notebook, list[Target]]] = field(default_factory=list)
    skipped: dict[str, str] = field(default_factory=dict)
    unreadable: dict[str, WidgetshotError] = field(default_factory=dict)
    outside_suite: int = 0
    shards: ShardPlan | None = None
    order: tuple[str, ...] = ()

    @property
    def targets(self) -> int:
        """The number of targets that are run."""
        return sum(len(targets) for _, targets in self.selected)


def plan_run(settings: Settings, request: RunRequest) -> RunPlan:
    """Find and read the notebooks of a run, and leave out what is not asked for or can't be had.

    Raises:
        ConfigError: something is declared wrongly, or there is nothing to run.
        ServerError: programs that services need are missing, and nobody said that this is fine.
    """
    notebooks: list[Notebook] = []
    unreadable: dict[str, WidgetshotError] = {}
    for file in find_notebooks(settings, request.paths):
        try:
            notebooks.append(load_notebook(settings, file))
        except WidgetshotError as error:
            unreadable[file.relative_to(settings.root).as_posix()] = error
    # What is declared wrongly is an error before minutes are spent; a file that can't be read sinks only itself.
    wrong = [error for error in unreadable.values() if isinstance(error, ConfigError)]
    if wrong:
        raise ConfigError("\n".join(str(error) for error in wrong))
    if not notebooks and not unreadable:
        raise ConfigError("no notebooks were found", next_step="widgetshot run PATH")
    selected = _of_suite(settings, notebooks, request.suite)
    chosen, shards = selected, None
    order: tuple[str, ...] = ()
    if request.dealing is not None:
        # Before anything is left out that this machine has not: all machines deal the same.
        parts = [Part((path, ""), runs=False) for path in unreadable]
        for notebook, targets in selected:
            parts += parts_of(notebook, targets, runs=not (request.without_services and notebook.services))
        shards = deal(parts, request.dealing, settings.renderer)
        share = shards.own
        pages = [Target(notebook=path, shot=PAGE_SHOT, cell_id=None, order=0) for path in unreadable]
        declared = [target for _, targets in selected for target in targets]
        order = tuple(settings.key(target) for target in [*pages, *declared])
        selected = _of_share(selected, share)
        unreadable = {path: error for path, error in unreadable.items() if (path, "") in share}
    skipped = _skipped(settings, [notebook for notebook, _ in selected], request)
    selected = [(notebook, targets) for notebook, targets in selected if notebook.path not in skipped]
    if request.suite and not chosen and notebooks:
        raise ConfigError(
            f"no shot carries the marker '{request.suite}'",
            where="--suite",
            next_step=f"write '#| markers: [{request.suite}]' beside a shot, or without --suite: widgetshot run",
        )
    left_out = skipped
    if shards is not None:
        # Each shard says the same of the whole, as far as that is known from the notebooks.
        without = [notebook.path for notebook in notebooks if notebook.services and request.without_services]
        left_out = dict.fromkeys([*(notebook.path for notebook in notebooks if notebook.skip), *without], "")
    every = sum(len(notebook.targets) for notebook in notebooks if notebook.path not in left_out)
    outside = every - sum(len(targets) for notebook, targets in chosen if notebook.path not in left_out)
    return RunPlan(selected, skipped, unreadable, outside, shards, order)


def _of_share(
    selected: list[tuple[Notebook, list[Target]]], share: Container[Identity]
) -> list[tuple[Notebook, list[Target]]]:
    of_share = [(notebook, [target for target in targets if target.session in share]) for notebook, targets in selected]
    return [(notebook, targets) for notebook, targets in of_share if targets]


def _of_suite(settings: Settings, notebooks: list[Notebook], suite: str) -> list[tuple[Notebook, list[Target]]]:
    """Return the notebooks that have targets of a suite, with these.

    Raises:
        ConfigError: the suite's marker is not registered.
    """
    if suite:
        check_marker(settings, suite, "--suite")
    found = []
    for notebook in notebooks:
        targets = [target for target in notebook.targets if not suite or target.carries(suite)]
        if targets:
            found.append((notebook, targets))
    return found


def _skipped(settings: Settings, notebooks: list[Notebook], request: RunRequest) -> dict[str, str]:
    """Return the paths of the notebooks that are left out, with the reasons.

    Raises:
        ServerError: programs that services need are missing, and nobody said that this is fine.
    """
    skipped = {notebook.path: notebook.skip for notebook in notebooks if notebook.skip}
    needing = [notebook for notebook in notebooks if notebook.services and not notebook.skip]
    cluster = settings.dask_cluster
    if cluster is not None and not cluster.local and not (request.without_services or request.skip_missing_services):
        # They run on other machines, which say what they miss.
        return skipped
    if not needing:
        return skipped
    from widgetshot.services.manager import Services
    from widgetshot.services.notebook_services import left_out

    services = Services(settings.services)
    missing: list[ServerError] = []
    for notebook in needing:
        try:
            skipped[notebook.path] = left_out(
                notebook, services, without=request.without_services, skip_missing=request.skip_missing_services
            )
        except ServerError as error:
            missing.append(error)
    if missing:
        raise ServerError("\n".join(str(error) for error in missing))
    # In the order of the notebooks.
    return {notebook.path: skipped[notebook.path] for notebook in notebooks if skipped.get(notebook.path)}
