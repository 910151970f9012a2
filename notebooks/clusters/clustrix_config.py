"""The configuration panel of `clustrix_panel.py` with a host behind it: a connection test, and jobs that run there.

What is done there, clustrix does: its executor connects, and the decorated function is submitted and fetched by it.

clustrix 0.1.1 over SSH, as it is: a job wants a virtual environment that nobody makes, and runs with the login's Python without; submitting returns
when the job has ended, since its shell keeps the channel; cores, memory and environment variables are not handed on.
"""

import html
import os
import re
import shlex
import sys
import time

import clustrix
import clustrix_panel
import cloudpickle
import ipywidgets as w
from clustrix_panel import block_sum, card, title
from paramiko.ssh_exception import NoValidConnectionsError

STYLE = """
<style>
.cx-checks { margin: 12px 0 0; display: grid; grid-template-columns: 20px 1fr; gap: 5px 0; font-size: 13px; align-items: center; }
.cx-checks i { font-style: normal; font-weight: 700; } .cx-checks .good { color: var(--cx-good); } .cx-checks .bad { color: var(--cx-bad); }
.cx-checks .idle { color: var(--cx-soft); }
.cx-own { display: inline-block; width: 5ch; font-variant-numeric: tabular-nums; overflow: hidden; white-space: nowrap; vertical-align: bottom; }
.cx .cx-yaml .cx-own { width: 12ch; }
.cx .cx-service { flex-direction: row; align-items: center; display: flex; gap: 8px; }
.cx .cx-service > .widget-html { flex: 1; }
.cx-state { font-size: 13px; font-weight: 600; } .cx-state::before { content: ""; display: inline-block; width: 9px; height: 9px; margin-right: 9px; border-radius: 50%; background: currentColor; }
.cx-state.good { color: var(--cx-good); } .cx-state.bad { color: var(--cx-bad); }
</style>
"""
CHECKS = ("The port answers", "The key is accepted", "Python runs there", "The work folder can be written")

# Over there neither module exists: the functions are sent, not their names.
cloudpickle.register_pickle_by_value(clustrix_panel)
cloudpickle.register_pickle_by_value(sys.modules[__name__])


# clustrix would give each pass of a loop a keyword that only functions written for it know.
@clustrix.cluster(parallel=False)
def integrate_over_ssh(blocks, steps):
    """The sums of all blocks, and whether they were computed in a login of an SSH server."""
    return [block_sum(block, blocks, steps) for block in range(blocks)], "SSH_CONNECTION" in os.environ


class ConfigPanel(clustrix_panel.ClusterPanel):
    """The panel with a connection test and a remote job; display ``panel.widget``.

    Args:
        profiles: the folder of the profiles, made when the first one is saved.
        stop, start: end the host's SSH server, and start it again.
    """

    def __init__(self, profiles, stop, start):
        super().__init__(profiles)
        test = w.Button(description="Test connection", icon="plug", _dom_classes=("cx-test", "cx-wide"))
        self.checks = w.HTML(_dom_classes=("cx-tested",))
        self.run_there = w.Button(
            description="Run test job on the host", icon="server", _dom_classes=("cx-run-there", "cx-wide")
        )
        self.state = w.HTML()
        stopper = w.Button(description="Stop", _dom_classes=("cx-stop",))
        starter = w.Button(description="Start", _dom_classes=("cx-start",))
        self.widget.children = (w.HTML(STYLE), *self.widget.children)
        gap = w.HTML("<div style='height:10px'></div>")
        self.left.children += (
            card(title("Connection test", "Logs in as clustrix will"), gap, test, self.checks),
            card(w.HBox([self.state, stopper, starter], _dom_classes=("cx-service",))),
        )
        heading, above, *rest = self.job_card.children
        heading.value = title("Test job", "Integrates π with clustrix").value
        self.job_card.children = (heading, above, self.run, gap, self.run_there, *rest[1:])
        test.on_click(lambda _: self._test())
        self.run_there.on_click(lambda _: self._run_there())
        stopper.on_click(lambda _: (stop(), self._serving(False)))
        starter.on_click(lambda _: (start(), self._serving(True)))
        self._serving(True)
        self._show_checks()

    # -- what the buttons do ------------------------------------------------------------------------------------

    def _test(self):
        if not self._apply():
            self._show_checks(None, "Not tested: mend the fields marked red first.")
            return
        executor = clustrix.ClusterExecutor(clustrix.get_config())
        try:
            self._show_checks(*self._tested(executor))
        finally:
            executor.disconnect()

    def _tested(self, executor):
        """How many checks passed, and what stood in the way of the next one."""
        config = executor.config
        try:
            executor.connect()
        except NoValidConnectionsError as error:
            return 0, f"{type(error).__name__}: {error}"
        except Exception as error:
            return 1, f"{type(error).__name__}: {error}"
        answer, complaint = executor._execute_command(f"{config.python_executable} -c 'print(6 * 7)'")
        if answer.strip() != "42":
            return 2, complaint
        folder = shlex.quote(config.remote_work_dir)
        _, complaint = executor._execute_command(f"mkdir -p {folder} && touch {folder}/.tried && rm {folder}/.tried")
        return (3, complaint) if complaint else (4, "")

    def _run_there(self):
        if not self._apply():
            self._job_failed("Not run: mend the fields marked red first.")
            return
        blocks, steps = 8, 5_000
        started = time.perf_counter()
        try:
            sums, over_ssh = integrate_over_ssh(blocks, steps)
        except Exception as error:
            self._job_failed(f"{type(error).__name__}: {error}")
            return
        took = time.perf_counter() - started
        self._show_job(sums, ("Ran", "in an SSH login" if over_ssh else "here"), blocks * steps, took)

    # -- what is shown ------------------------------------------------------------------------------------------

    def _serving(self, up):
        state, words = ("good", "The host's sshd is running") if up else ("bad", "The host's sshd is stopped")
        self.state.value = f'<div class="cx-state {state}">{words}</div>'

    def _show_checks(self, passed=None, problem=""):
        def line(number, words):
            if passed is None or number > passed:
                return f'<i class="idle">–</i><span class="idle">{words}</span>'
            state, mark = ("good", "✓") if number < passed else ("bad", "✗")
            return f'<i class="{state}">{mark}</i><span>{words}</span>'

        lines = "".join(line(number, words) for number, words in enumerate(CHECKS))
        note = f'<div class="cx-note bad">{_own_port(html.escape(problem))}</div>' if problem else ""
        self.checks.value = f'<div class="cx-checks">{lines}</div>{note}'

    def _job_failed(self, words):
        self.job.value = f'<div class="cx-note bad">{_own_port(html.escape(words))}</div>'

    def _show_active(self):
        super()._show_active()
        # What differs on each machine or in each run has a box of its own width, which can be masked.
        self.active.value = re.sub(
            r"(?m)^((?:cluster_port|username|remote_work_dir): )(.+?)(?=$|</pre>)",
            r'\1<span class="cx-own">\2</span>',
            self.active.value,
        )


def _own_port(text):
    return re.sub(r"\bport (\d+)", r'port <span class="cx-own">\1</span>', text)
