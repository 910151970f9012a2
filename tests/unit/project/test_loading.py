"""pyproject.toml and flags -> Settings."""

import datetime
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from builders import block, read
from widgetshot.declare.defaults import Defaults
from widgetshot.errors import ConfigError, ExitCode
from widgetshot.model import Clock, Quarantine, Tolerance, Viewport
from widgetshot.project.loading import find_root, load_settings
from widgetshot.project.settings import Settings


def load(root: Path, *lines: str) -> Settings:
    (root / "pyproject.toml").write_text("\n".join(["[tool.widgetshot]", *lines]), encoding="utf-8")
    return load_settings(root)


@pytest.mark.parametrize(
    ("line", "attribute", "expected"),
    [
        ('notebooks = ["a", "b.ipynb"]', "notebooks", ("a", "b.ipynb")),
        ('notebooks = "a"', "notebooks", ("a",)),
        ('exclude = ["a/*"]', "exclude", ("a/*",)),
        ('update = "missing"', "update", "missing"),
        ("jobs = 1", "jobs", 1),
        ('browser = "firefox"', "browser", "firefox"),
        ('browser-executable = "/opt/x"', "browser_executable", "/opt/x"),
        ('browser_executable = "/opt/x"', "browser_executable", "/opt/x"),
        ('theme = ["light", "dark"]', "theme", ("light", "dark")),
        ('theme = "dark"', "theme", ("dark",)),
        ('viewport = ["960x720", {name = "phone", width = 375, height = 700}]', "viewport",
         (Viewport(960, 720), Viewport(375, 700, "phone"))),
        ("tolerance = {pixels = 0, share = 0.5}", "tolerance", Tolerance(0, 0.5)),
        ("tolerance = {step = 3}", "tolerance", Tolerance(step=3)),
        ("tolerance = {threshold = 0}", "tolerance", Tolerance(threshold=0.0)),
        ("tolerance = {}", "tolerance", Tolerance()),
        ("freeze-clock = true", "freeze_clock", True),
        ("freeze_clock = false", "freeze_clock", False),
        ("repeat = 20", "repeat", 20),
        ("quarantine = []", "quarantine", ()),
        ('quarantine = [{target = "a::b", reason = "r", until = 2026-12-31}]', "quarantine",
         (("a::b", Quarantine("r", datetime.date(2026, 12, 31))),)),
        ("scale = 2", "scale", 2.0),
        ('locale = "de-DE"', "locale", "de-DE"),
        ('timezone = "Europe/Berlin"', "timezone", "Europe/Berlin"),
        ('clock = "2025-05-01T00:00:00Z"', "clock", "2025-05-01T00:00:00+00:00"),
        ("clock = 2025-05-01T00:00:00", "clock", "2025-05-01T00:00:00+00:00"),
        ("clock = 2025-05-01T00:00:00+02:00", "clock", "2025-05-01T00:00:00+02:00"),
        ("timeout = 0.5", "timeout", 0.5),
        ("settle-timeout = 3", "settle_timeout", 3.0),
        ('kernel = "ir"', "kernel", "ir"),
    ],
)  # fmt: skip
def test_an_option_is_read(tmp_path: Path, line: str, attribute: str, expected: object) -> None:
    assert getattr(load(tmp_path, line), attribute) == expected


@pytest.mark.parametrize(
    ("line", "option", "said"),
    [
        ("notebook = []", "", "unknown option 'notebook'; did you mean 'notebooks'?"),
        ("zzz = 1", "", "valid: baselines, "),
        ("notebooks = 5", "notebooks", "list of texts"),
        ("notebooks = [1]", "notebooks", "list of texts"),
        ("baselines = 5", "baselines", "must be text"),
        ("store = 5", "store", "must be text"),
        ('store = "folders"', "store", "no store 'folders' is installed; did you mean 'folder'?"),
        ('update = "al"', "update", "did you mean 'all'?"),
        ("update = true", "update", "valid: all"),
        *((f"jobs = {value}", "jobs", "whole number from 1") for value in ("0", "true", "1.5", '"2"', "-1")),
        ('browser = "chrome"', "browser", "'chrome'"),
        ("browser-executable = false", "browser-executable", "must be text"),
        ('frontend = "pag"', "frontend", "did you mean 'page'?"),
        ("theme = []", "theme", "must name each theme once"),
        ('viewport = "big"', "viewport", "WIDTHxHEIGHT"),
        ("tolerance = 0.03", "tolerance", "no unit"),
        ("tolerance = {pixels = 0.03}", "tolerance", "whole number of pixels, not 0.03"),
        ("tolerance = {step = 255}", "tolerance", "0 to 254"),
        ("tolerance = {step = true}", "tolerance", "0 to 254"),
        ("tolerance = {max_diff_pixels = 3}", "tolerance", "'pixels' here"),
        *((f"freeze-clock = {value}", "freeze-clock", "true or false") for value in ("1", '"true"', "[]")),
        *((f"repeat = {value}", "repeat", "whole number from 1") for value in ("0", "true", "2.0")),
        ('quarantine = "a::b"', "quarantine", "must be tables"),
        ('quarantine = ["a::b"]', "quarantine", "must be tables"),
        ('quarantine = {target = "a::b"}', "quarantine", "must be tables"),
        ('quarantine = [{reason = "r", until = 2026-12-31}]', "quarantine", "'target' is a name such as"),
        ('quarantine = [{target = "a", reason = "r", until = 2026-12-31}]', "quarantine", "not 'a'"),
        ('quarantine = [{target = "a::b", until = 2026-12-31}]', "quarantine", "needs a reason"),
        ('quarantine = [{target = "a::b", reason = "r"}]', "quarantine", "needs its last day"),
        ('quarantine = [{target = "a::b", reason = "r", until = 2026-12-31T10:00:00}]', "quarantine", "needs its last"),
        ('quarantine = [{target = "a::b", reason = "r", untill = 2026-12-31}]', "quarantine", "did you mean 'until'?"),
        *((f"clock = {value}", "clock", "must be a time such as") for value in ("true", "5", "10:00:00")),
        *((f"scale = {value}", "scale", "number over 0") for value in ("0", "true", "nan", "inf", '"2"')),
        ('timezone = "Mars/Base"', "timezone", "unknown time zone"),
        ('timezone = "../UTC"', "timezone", "unknown time zone"),
        ("timezone = 5", "timezone", "must be text"),
        ('clock = "noon"', "clock", "must be a time such as"),
        ("timeout = 0", "timeout", "number of seconds over 0"),
        ("timeout = true", "timeout", "number of seconds over 0"),
        ("kernel = 3", "kernel", "must be text"),
        ('fonts = ["absent"]', "fonts", "is not a folder"),
        pytest.param('report = "~nobody-here/x"', "report", "home"),
    ],
)
def test_a_wrong_option_is_refused_with_its_place(tmp_path: Path, line: str, option: str, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, line)
    assert str(caught.value).startswith(f"pyproject.toml [tool.widgetshot] {option}".strip() + ":")
    assert said in str(caught.value)
    assert caught.value.exit_code == ExitCode.CONFIGURATION


@pytest.mark.parametrize(
    "text",
    [
        "[tool.widgetshot",
        "\ufeff[tool",
        pytest.param("[tool]\nwidgetshot = 5"),
        pytest.param("tool = 5"),
    ],
)
def test_an_unreadable_pyproject_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "pyproject.toml").write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError):
        load_settings(tmp_path)


def test_bytes_that_are_no_utf8_are_refused(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError, match="can't be read"):
        load_settings(tmp_path)


def test_a_project_without_settings_gets_the_defaults(tmp_path: Path) -> None:
    settings = load_settings(tmp_path)
    assert (settings.baselines, settings.report) == (tmp_path / "baselines", tmp_path / "widgetshot-report")
    assert {field.name: getattr(settings, field.name) for field in fields(Defaults)} == vars(Defaults())
    assert settings.environment().startswith("page-chromium-")
    assert settings.jobs >= 2


def test_flags_win_over_the_file_and_are_checked_as_well(tmp_path: Path) -> None:
    load(tmp_path, "jobs = 3", "timeout = 9")
    overrides: dict[str, Any] = {"jobs": 1, "report": Path("other"), "clock": datetime.datetime(2025, 1, 1)}
    settings = load_settings(tmp_path, overrides)
    assert (settings.jobs, settings.timeout, settings.report) == (1, 9, tmp_path / "other")
    with pytest.raises(ConfigError, match="command line jobs"):
        load_settings(tmp_path, {"jobs": 0})


def test_paths_are_relative_to_the_project_or_to_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    (tmp_path / "fonts").mkdir()
    settings = load(tmp_path, 'baselines = "~/kept"', 'report = "/var/x"', 'fonts = ["fonts"]')
    assert (settings.baselines, settings.report) == (tmp_path / "home" / "kept", Path("/var/x"))
    assert settings.fonts == (tmp_path / "fonts",)


def test_the_root_is_the_nearest_project_or_checkout(tmp_path: Path) -> None:
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    (tmp_path / ".git").write_text("gitdir: elsewhere")  # as in a worktree
    assert find_root(inner) == tmp_path
    (tmp_path / "a" / "pyproject.toml").touch()
    assert find_root(inner) == tmp_path / "a"


def test_quarantine_tables_are_read_in_their_order(tmp_path: Path) -> None:
    settings = load(
        tmp_path,
        "[[tool.widgetshot.quarantine]]",
        'target = "notebooks/x.ipynb::a[dark]"',
        'reason = "flickers"',
        "until = 2026-12-31",
        "[[tool.widgetshot.quarantine]]",
        'target = "notebooks/x.ipynb::*"',
        'reason = "old front end"',
        'until = "2026-06-30"',
    )
    assert settings.quarantine == (
        ("notebooks/x.ipynb::a[dark]", Quarantine("flickers", datetime.date(2026, 12, 31))),
        ("notebooks/x.ipynb::*", Quarantine("old front end", datetime.date(2026, 6, 30))),
    )
    first, second = read(tmp_path, block("shot: a", "theme: [dark, light]"), defaults=settings).targets
    assert (first.quarantine, second.quarantine) == tuple(quarantine for _, quarantine in settings.quarantine)


def test_the_clock_of_the_project_is_that_of_its_notebooks(tmp_path: Path) -> None:
    for line, clock in (
        ("freeze-clock = true", Clock(frozen=True)),
        ("clock = 2026-05-01", Clock("2026-05-01T00:00:00+00:00")),
    ):
        (target,) = read(tmp_path, "1", defaults=load(tmp_path, line)).targets
        assert target.clock == clock
