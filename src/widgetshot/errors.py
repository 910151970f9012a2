"""The error tree.

::

    WidgetshotError
      ConfigError     unknown option, bad value, bad selector        exit 3
      NotebookError   unreadable, duplicate name, cell raised/late   result `broken`, exit 1
      CaptureError    selector absent, widget failed to load         result `broken`, exit 1
      ServerError     no server, kernel spec or browser, or it died  exit 2
      BaselineError   corrupt or unwritable baseline                 exit 2
      RecordError     the run folder can't be read or written        exit 2
      StaleDecision   what was decided on is not what is there       refused, exit 1

A visual difference is a verdict, never an error.
"""

import re
from collections.abc import Iterable
from difflib import get_close_matches
from enum import IntEnum

# The next step where something died for which there may have been too little memory.
FEWER_AT_A_TIME = "run it again with fewer notebooks at a time (jobs = 1)"
# The next step where the system gives no more processes or threads.
MORE_PROCESSES = f"ulimit -u  (a user's processes and threads; ps -eLf shows them), or {FEWER_AT_A_TIME}"
# Why something is ended by one of SIGNALS_OF_OTHERS, which no program sends to itself when it fails.
SOMEBODY = "(out of memory, or somebody ended it)"
# Number -> name; Windows knows only some of them.
SIGNALS_OF_OTHERS = {1: "SIGHUP", 2: "SIGINT", 9: "SIGKILL", 15: "SIGTERM"}


class ExitCode(IntEnum):
    """The exit codes of commands and of pytest."""

    MATCH = 0
    DIFFERENCES = 1
    INFRASTRUCTURE = 2
    CONFIGURATION = 3


class WidgetshotError(Exception):
    """Base of every error raised on purpose.

    Args:
        what: what failed, one sentence without a full stop.
        where: `notebooks/x.ipynb::shot`, a file or an option; shown first.
        next_step: the next command to type, or the next thing to do.
    """

    exit_code = ExitCode.DIFFERENCES

    def __init__(self, what: str, *, where: str = "", next_step: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.where = where
        self.next_step = next_step

    def __str__(self) -> str:
        """Return the whole message as a terminal may show it; what is in it may come from a notebook."""
        return visible(f"{self.headline}\n  next: {self.next_step}" if self.next_step else self.headline)

    @property
    def headline(self) -> str:
        """The place and what failed."""
        return f"{self.where}: {self.what}" if self.where else self.what

    def at(self, where: str) -> "WidgetshotError":
        """Add a place to this error if the raiser did not know it, and return it."""
        if not self.where:
            self.where = where
        return self


class ConfigError(WidgetshotError):
    """An option or a declaration is wrong; nothing has run."""

    exit_code = ExitCode.CONFIGURATION


class NotebookError(WidgetshotError):
    """A notebook can't be read or did not execute to its end."""


class CaptureError(WidgetshotError):
    """A page was there, but no picture of it can be trusted."""


class ServerError(WidgetshotError):
    """The server, a kernel or the browser could not be had, or the server or the browser died."""

    exit_code = ExitCode.INFRASTRUCTURE


class DiedStarting(ServerError):
    """The server or the browser was ended by a signal while it started; another start may do better."""


class BaselineError(WidgetshotError):
    """A stored baseline can't be read or written."""

    exit_code = ExitCode.INFRASTRUCTURE


class RecordError(WidgetshotError):
    """A run folder can't be read or written."""

    exit_code = ExitCode.INFRASTRUCTURE


class StaleDecision(WidgetshotError):
    """The reviewed files are not those on disk any more, or not of this run."""


def nearest(word: object, valid: Iterable[str]) -> str:
    """Return a hint for a message: `; did you mean 'x'?`, or a list of what is valid."""
    names = sorted(valid)
    close = get_close_matches(str(word), names, n=1, cutoff=0.5)
    return f"; did you mean '{close[0]}'?" if close else f"; valid: {', '.join(names)}"


_COLOURS = re.compile("\x1b\\[[0-9;]*m")
# Those of the gallery (js/src/gallery/run.ts), and what a terminal obeys besides: carriage returns, line separators,
# tags, half surrogate pairs.
_INVISIBLE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060\u2066-\u2069\ud800-\udfff\ufeff\ufff9-\ufffb\U000e0000-\U000e007f]"
)


# A runner of GitHub obeys these wherever they stand in a line of a job's log, Azure Pipelines and TeamCity others.
JOB_COMMANDS = re.compile(r"#(?=#\[|#vso\[|#teamcity\[)", re.IGNORECASE)
# And this at the begin of a line: `::error file=x::...`, `::add-mask::...`.
_LINE_COMMAND = re.compile(r"^([^\S\n]*):(?=:)", re.MULTILINE)


def visible(text: str) -> str:
    """Return text from elsewhere as a terminal and the log of a CI job may show it; line feeds and tabs stay.

    Characters that move the cursor, reorder or hide text are spelt out, so that what is read is what is there, and so
    is the first one of what a CI job would take for a command. Tracebacks lose their colours.
    """
    text = _INVISIBLE.sub(_spelt_out, _COLOURS.sub("", text))
    if "##" in text:
        text = JOB_COMMANDS.sub(_spelt_out, text)
    return _LINE_COMMAND.sub(lambda found: f"{found[1]}⟨U+003A⟩", text) if "::" in text else text


def _spelt_out(found: re.Match[str]) -> str:
    return f"⟨U+{ord(found[0]):04X}⟩"


def one_line(text: object) -> str:
    """Return text as `visible` does, on one line, so that it can't pass for a line of ours."""
    return visible(" ".join(str(text).split()))
