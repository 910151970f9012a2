"""`widgetshot review`: look at what differs and decide."""

import sys
import threading
import webbrowser
from pathlib import Path

import click

from widgetshot.cli.common import opened_baselines, output_option, settings_from
from widgetshot.errors import ConfigError
from widgetshot.printing import say, say_json
from widgetshot.review.reviewer import default_reviewer
from widgetshot.review.session import ReviewSession
from widgetshot.review.terminal import TerminalReview


@click.command()
@click.argument("report", metavar="[RUN]", required=False, type=click.Path(path_type=Path))
@click.option("--terminal", is_flag=True, help="Ask here, one picture after the other, without a browser.")
@click.option("--no-browser", is_flag=True, help="Only print the page's address.")
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="Port of the page; a free one by default.")
@output_option
def review(report: Path | None, terminal: bool, no_browser: bool, port: int, output: str) -> None:
    """Look at what differs and decide; accepting writes the baseline at once, and can be undone.

    RUN is a run folder; without it, that of the configuration. The page is served to this machine only, until Ctrl-C.
    """
    if terminal and (no_browser or port or output == "json"):
        raise ConfigError("--terminal goes without the options of the page", next_step="widgetshot review --terminal")
    settings = settings_from(report=report)
    session = ReviewSession(settings.report, opened_baselines(settings), settings.root)
    session.state()
    if terminal:
        TerminalReview(session, default_reviewer(settings.root)).run()
    else:
        # It imports Jupyter Server, which the terminal needs not wait for.
        from widgetshot.review.server import serve

        serve(
            session, settings.root, port=port, ready=lambda url, folder: _announce(url, folder, not no_browser, output)
        )
    accepted, rejected, left = session.counts()
    if output == "json":
        say_json({"accepted": accepted, "rejected": rejected, "left": left}, indent=None)
        return
    say(f"\n{accepted} accepted, {rejected} rejected, {left} left")
    if accepted and (command := session.baselines.keep_command()):
        say(f"keep what is accepted: {command}")


def _announce(url: str, folder: Path, browse: bool, output: str) -> None:
    """Print the page's address, and open it in a browser.

    Args:
        folder: private, for the file that the browser is told in place of the address.
    """
    if output == "json":
        say_json({"url": url}, indent=None)
    else:
        say(f"review: {url}\nCtrl-C ends it")
    sys.stdout.flush()
    if not browse:
        return
    try:
        browser = webbrowser.get()
    except webbrowser.Error:
        return
    # One that runs inside the terminal would take it over.
    if type(browser) is not webbrowser.GenericBrowser:
        from widgetshot.review.server import write_redirect

        page = write_redirect(folder, url).as_uri()
        threading.Thread(target=browser.open, args=(page,), daemon=True).start()
