"""What SLURM says of its queue and of its node, and dask of its workers, in a pane that follows them."""

import html
import subprocess
import threading

import ipywidgets as w

# No times and no user: they differ from run to run. Job numbers begin with 1 on a SLURM of the notebook's own.
QUEUE = ("squeue", "--sort=i", "--states=PENDING,CONFIGURING,RUNNING,COMPLETING,NODE_FAIL", "--format=%i|%j|%T|%C|%R")
NODES = ("sinfo", "--Node", "--format=%N|%T|%C|%E")
PERIOD = 0.3  # seconds

STYLE = """
<style>
.sq { --sq-line: var(--jp-border-color2, #e0e0e0); --sq-soft: var(--jp-content-font-color2, #616161); --sq-blue: var(--jp-brand-color1, #1976d2);
  --sq-good: var(--jp-success-color1, #388e3c); --sq-bad: var(--jp-error-color1, #d32f2f); --sq-wait: color-mix(in srgb, var(--jp-warn-color1, #f57c00) 80%, var(--jp-ui-font-color0, #000));
  border: 1px solid var(--sq-line); border-radius: 10px; overflow: hidden; background: var(--jp-layout-color1, #fff); color: var(--jp-content-font-color1, #212121);
  font-family: var(--jp-ui-font-family, system-ui, sans-serif); font-size: 13px; line-height: 1.4; }
.widget-html.sq-host, .sq-host > .widget-html-content { height: auto; line-height: 1.4; font-size: 13px; }
.jupyter-widgets.sq-host { margin: 10px 2px 0; }
.sq-head { display: flex; align-items: center; gap: 14px; padding: 12px 18px; border-bottom: 1px solid var(--sq-line); }
.sq-head > div:first-child { flex: 1; }
.sq-title { font-size: 15px; font-weight: 600; line-height: 1.3; } .sq-sub { font-size: 12px; color: var(--sq-soft); }
.sq-cpus { display: flex; gap: 3px; } .sq-cpus i { width: 16px; height: 16px; border-radius: 4px; border: 1px solid var(--sq-line); box-sizing: border-box; }
.sq-cpus i.taken { background: var(--sq-blue); border-color: var(--sq-blue); } .sq-cpus i.lost { background: repeating-linear-gradient(45deg, var(--sq-bad) 0 3px, transparent 3px 6px); border-color: var(--sq-bad); }
.sq-badge { display: inline-block; box-sizing: border-box; min-width: 92px; padding: 2px 12px; border-radius: 999px; text-align: center; font-size: 12px; font-weight: 600; border: 1px solid currentColor; }
.sq-good { color: var(--sq-good); } .sq-busy { color: var(--sq-blue); } .sq-wait { color: var(--sq-wait); } .sq-bad { color: var(--sq-bad); }
.sq-row { display: grid; grid-template-columns: 46px 110px 120px 48px 90px minmax(0, 1fr); gap: 14px; align-items: center; padding: 8px 18px; border-top: 1px solid var(--sq-line); }
.sq-row.heading { padding: 6px 18px; font-size: 12px; color: var(--sq-soft); border-top: none; background: color-mix(in srgb, var(--jp-layout-color1, #fff) 95%, var(--jp-ui-font-color0, #000)); }
.sq-row b { font-weight: 600; } .sq-row code { font-family: var(--jp-code-font-family, monospace); font-size: 12px; color: inherit; background: none; padding: 0; overflow-wrap: anywhere; }
.sq.sq-work { margin: 10px 2px 2px; padding: 14px 18px; gap: 10px; }
.sq-work .jupyter-widgets { margin: 0; } .sq-work > .widget-box { gap: 16px; align-items: center; }
.sq-work .jupyter-button { width: auto; padding: 0 14px; height: 32px; line-height: 30px; border-radius: 5px; font-size: 13px; font-weight: 600; box-shadow: none; }
.sq-work .widget-hprogress { flex: 1; width: auto; height: 8px; } .sq-work .widget-hprogress .progress { position: static; width: 100%; margin: 0; height: 8px; border-radius: 4px; overflow: hidden; }
.sq-work .widget-html, .sq-work .widget-html-content { height: auto; line-height: 1.4; font-size: 13px; color: inherit; }
.sq-empty { padding: 16px 18px; color: var(--sq-soft); border-top: 1px solid var(--sq-line); }
</style>
"""
KIND = {"RUNNING": "busy", "PENDING": "wait", "NODE_FAIL": "bad", "idle": "good", "mixed": "busy", "allocated": "busy"}


class Queue:
    """A pane of SLURM's queue; display ``queue.widget``. It asks again all the time, from a thread of its own.

    Args:
        cluster: a ``SLURMCluster``; which jobs' workers it is connected to is shown as well.
    """

    def __init__(self, cluster):
        self.cluster = cluster
        self.widget = w.HTML(_dom_classes=("sq-host",))
        self._show()
        threading.Thread(target=self._follow, daemon=True).start()

    def _follow(self):
        over = threading.Event()
        while not over.wait(PERIOD):
            self._show()

    def _show(self):
        # The same words are sent to the page once only.
        jobs = _jobs(*_ask(QUEUE), self._connected())
        self.widget.value = STYLE + f'<div class="sq">{_head(*_ask(NODES))}{jobs}</div>'

    def _connected(self):
        """The numbers of the jobs whose workers are connected to dask's scheduler."""
        names = [worker["name"] for worker in list(self.cluster.scheduler_info["workers"].values())]
        return {str(job.job_id) for name, job in list(self.cluster.workers.items()) if name in names}


def _ask(command):
    """The rows of a table that SLURM prints, and what it complains about."""
    done = subprocess.run([*command, "--noheader"], capture_output=True, text=True)
    return [line.split("|") for line in done.stdout.splitlines()], done.stderr.strip()


def _head(nodes, error):
    told = html.escape(error) or "as <code>squeue</code> and <code>sinfo</code> tell it"
    shown = f'<div><div class="sq-title">SLURM\'s queue</div><div class="sq-sub">{told}</div></div>'
    for name, state, cpus, reason in nodes:
        allocated, _, out, total = map(int, cpus.split("/"))
        boxes = [*["taken"] * allocated, *["lost"] * out, *[""] * (total - allocated - out)]
        dots = "".join(f'<i class="{box}"></i>' for box in boxes)
        why = "" if reason == "none" else f", {reason}"
        shown += f"<span>{html.escape(name)}: {allocated} of {total} CPUs taken{html.escape(why)}</span>"
        shown += f'<div class="sq-cpus">{dots}</div>' + _badge(state)
    return f'<div class="sq-head">{shown}</div>'


def _jobs(jobs, error, connected):
    headings = "".join(f"<span>{text}</span>" for text in ("Job", "Name", "State", "CPUs", "dask", "Node or reason"))
    shown = f'<div class="sq-row heading">{headings}</div>'
    for number, name, state, cpus, where in jobs:
        worker = '<span class="sq-good">connected</span>' if number in connected else '<span class="sq-sub">no worker</span>'
        row = f"<b>{number}</b><span>{html.escape(name)}</span>{_badge(state)}<span>{cpus}</span>{worker}<code>{html.escape(where)}</code>"
        shown += f'<div class="sq-row">{row}</div>'
    return shown if jobs else f'{shown}<div class="sq-empty">{html.escape(error) or "no jobs in the queue"}</div>'


def _badge(state):
    # A star is SLURM's sign for a node that does not answer.
    return f'<span class="sq-badge sq-{KIND.get(state, "bad" if "*" in state else "wait")}">{html.escape(state)}</span>'
