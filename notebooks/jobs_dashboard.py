"""A dashboard of jobs: each one is a real Python process that this notebook starts, watches and shows."""

import atexit
import html
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import ipywidgets as w

# Every job prints "<part done> of <parts>" as it goes on and its result last.
PREAMBLE = """
import hashlib, random, sys, zlib
def at(part, parts): print(f"{part} of {parts}", flush=True)
"""

STYLE = """
<style>
.jd { --jd-line: var(--jp-border-color2, #e0e0e0); --jd-soft: var(--jp-content-font-color2, #616161); width: 100%; box-sizing: border-box;
  border: 1px solid var(--jd-line); border-radius: 10px; overflow: hidden; background: var(--jp-layout-color1, #fff); color: var(--jp-content-font-color1, #212121);
  font-family: var(--jp-ui-font-family, system-ui, sans-serif); font-size: 13px; }
.jd .jupyter-widgets { margin: 0; }
.jd .widget-html, .jd .widget-html-content { height: auto; line-height: 1.4; font-size: 13px; color: inherit; }
.jd .jd-bar { display: flex; align-items: center; gap: 10px; padding: 14px 18px; border-bottom: 1px solid var(--jd-line); overflow: visible; }
.jd .jd-bar > .widget-html { flex: 1; }
.jd-title { font-size: 16px; font-weight: 600; line-height: 1.25; } .jd-sub { font-size: 12px; color: var(--jd-soft); }
.jd .jupyter-button { width: auto; padding: 0 14px; height: 32px; line-height: 30px; border-radius: 5px; font-weight: 600; }
.jd-counts { display: grid; grid-template-columns: repeat(4, 1fr); border-bottom: 1px solid var(--jd-line); }
.jd-counts div { padding: 10px 18px; border-left: 1px solid var(--jd-line); } .jd-counts div:first-child { border-left: none; }
.jd-counts b { display: block; font-size: 22px; line-height: 1.2; font-variant-numeric: tabular-nums; } .jd-counts span { font-size: 12px; color: var(--jd-soft); }
.jd .jd-row { display: grid; grid-template-columns: 184px 88px 1fr 270px 66px; gap: 14px; align-items: center; padding: 9px 18px; min-height: 44px; box-sizing: border-box;
  border-bottom: 1px solid var(--jd-line); overflow: visible; }
.jd .jd-row:last-child { border-bottom: none; }
.jd .jd-off { display: none; }
.jd-headings > .widget-html-content { display: grid; grid-template-columns: 184px 88px 1fr 270px 66px; gap: 14px; padding: 6px 18px;
  background: color-mix(in srgb, var(--jp-layout-color1, #fff) 95%, var(--jp-ui-font-color0, #000)); border-bottom: 1px solid var(--jd-line); }
.jd-headings span { font-size: 12px; color: var(--jd-soft); } .jd-headings span:last-child { text-align: right; }
.jd-name { font-weight: 600; } .jd-what { font-size: 12px; color: var(--jd-soft); }
.jd-badge { display: inline-block; width: 78px; box-sizing: border-box; padding: 2px 0; border-radius: 999px; text-align: center; font-size: 12px; font-weight: 600; border: 1px solid currentColor; }
.jd-queued { color: var(--jd-soft); } .jd-running { color: var(--jp-brand-color1, #1976d2); } .jd-done { color: var(--jp-success-color1, #388e3c); } .jd-failed { color: var(--jp-error-color1, #d32f2f); }
.jd .jd-row > * { min-width: 0; }
.jd .widget-hprogress { width: 100%; height: 8px; } .jd .widget-hprogress .progress { position: static; width: 100%; margin: 0; height: 8px; border-radius: 4px; overflow: hidden; }
.jd-result { font-family: var(--jp-code-font-family, monospace); font-size: 12px; line-height: 1.35; overflow-wrap: anywhere; display: block; }
.jd-took { display: block; width: 66px; height: 18px; text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; overflow: hidden; }
</style>
"""


@dataclass(frozen=True)
class Job:
    """A job's name, what it does, and the Python code that does it."""

    name: str
    what: str
    code: str


class Dashboard:
    """Runs jobs, two at a time, and shows them; display ``dashboard.widget``."""

    def __init__(self, jobs, slots=2):
        self.slots = slots
        self.rows = [_Row(job) for job in jobs]
        self.start = w.Button(
            description="Run all jobs", icon="play", button_style="primary", _dom_classes=("jd-start",)
        )
        self.only = w.ToggleButton(description="Only failed", icon="filter", _dom_classes=("jd-only",))
        self.title = w.HTML()
        self.counts = w.HTML()
        self.lock = threading.Lock()
        self.processes = set()
        heading = w.HTML(
            "".join(f"<span>{text}</span>" for text in ("Job", "State", "Progress", "Result", "Time")),
            _dom_classes=("jd-headings",),
        )
        self.widget = w.VBox(
            [
                w.HTML(STYLE),
                w.HBox([self.title, self.only, self.start], _dom_classes=("jd-bar",)),
                self.counts,
                heading,
                *(row.widget for row in self.rows),
            ],
            _dom_classes=("jd",),
        )
        self.start.on_click(lambda _: self._run_all())
        self.only.observe(lambda _: self._filter(), "value")
        atexit.register(self.close)
        self._count("ready")

    def close(self):
        """End every process that still runs."""
        for process in list(self.processes):
            process.kill()

    def _run_all(self):
        self.start.disabled = True
        for row in self.rows:
            row.show("queued")
        threading.Thread(target=self._work, daemon=True).start()

    def _work(self):
        with ThreadPoolExecutor(self.slots) as pool:
            list(pool.map(self._run, self.rows))
        self.start.disabled = False
        failed = sum(row.state == "failed" for row in self.rows)
        self._count(f"all done, {failed} failed" if failed else "all done")

    def _run(self, row):
        row.show("running")
        self._count("running")
        began = time.perf_counter()
        process = subprocess.Popen(
            [sys.executable, "-I", "-c", PREAMBLE + row.job.code],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.processes.add(process)
        last = ""
        for line in process.stdout:
            last = line.strip()
            part, _, parts = last.partition(" of ")
            if part.isdecimal() and parts.isdecimal():
                row.progress(int(part) / int(parts))
        error = process.stderr.read().strip()
        code = process.wait()
        self.processes.discard(process)
        row.show("failed" if code else "done", error.splitlines()[-1] if error else last, time.perf_counter() - began)
        self._count("running")

    def _filter(self):
        for row in self.rows:
            hidden = self.only.value and row.state != "failed"
            (row.widget.add_class if hidden else row.widget.remove_class)("jd-off")

    def _count(self, state):
        with self.lock:
            states = [row.state for row in self.rows]
            self.title.value = f'<div class="jd-title">Jobs</div><div class="jd-sub">{len(states)} jobs, {self.slots} at a time: {state}</div>'
            self.counts.value = (
                '<div class="jd-counts">'
                + "".join(
                    f'<div><b class="jd-{kind}">{states.count(kind)}</b><span>{kind}</span></div>'
                    for kind in ("queued", "running", "done", "failed")
                )
                + "</div>"
            )


class _Row:
    def __init__(self, job):
        self.job = job
        self.name = w.HTML(
            f'<div class="jd-name">{html.escape(job.name)}</div><div class="jd-what">{html.escape(job.what)}</div>'
        )
        self.badge, self.result, self.took = w.HTML(), w.HTML(), w.HTML()
        self.bar = w.FloatProgress(min=0, max=1)
        self.widget = w.Box([self.name, self.badge, self.bar, self.result, self.took], _dom_classes=("jd-row",))
        self.show("queued")

    def progress(self, share):
        self.bar.value = share

    def show(self, state, result="", seconds=None):
        self.state = state
        self.badge.value = f'<span class="jd-badge jd-{state}">{state}</span>'
        self.bar.bar_style = {"queued": "", "running": "info", "done": "success", "failed": "danger"}[state]
        if state == "queued":
            self.bar.value = 0
        self.result.value = f'<span class="jd-result">{html.escape(result)}</span>' if result else ""
        self.took.value = f'<span class="jd-took">{seconds:.2f} s</span>' if seconds is not None else ""
