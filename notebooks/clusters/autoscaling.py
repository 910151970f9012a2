"""A dashboard of jobs and the machines that an autoscaler starts and ends for them: real processes of a dask cluster.

Every machine is a worker process, every job a function that really runs there. A job says that it has begun by a
`distributed.Event` and waits at another one, the gate, so that a busy cluster can be looked at.
"""

import html
import logging
import math

import dask
import ipywidgets as w
from distributed import Client, Event, LocalCluster, wait

dask.config.set(
    {
        "temporary-directory": ".",
        # workers are forked from a process that has loaded dask, which takes a tenth of the time
        "distributed.worker.multiprocessing-method": "forkserver",
    }
)

STYLE = """
<style>
.as { --line: var(--jp-border-color2, #e0e0e0); --soft: var(--jp-content-font-color2, #616161); --ink: var(--jp-content-font-color1, #212121);
  --go: var(--jp-brand-color1, #1976d2); --good: var(--jp-success-color1, #388e3c); --late: var(--jp-warn-color1, #f57c00);
  --tint: color-mix(in srgb, var(--jp-layout-color1, #fff) 95%, var(--jp-ui-font-color0, #000));
  width: 100%; box-sizing: border-box; border: 1px solid var(--line); border-radius: 10px; overflow: hidden; color: var(--ink);
  background: var(--jp-layout-color1, #fff); font-family: var(--jp-ui-font-family, system-ui, sans-serif); }
.as .jupyter-widgets { margin: 0; }
.as .widget-html, .as .widget-html-content { height: auto; line-height: 1.4; font-size: 13px; color: inherit; }
.as .as-head { display: flex; align-items: center; gap: 10px; padding: 14px 18px; border-bottom: 1px solid var(--line); overflow: visible; }
.as .as-head > .widget-html { flex: 1; }
.as-title { font-size: 16px; font-weight: 600; line-height: 1.25; } .as-soft { font-size: 12px; color: var(--soft); }
.as .jupyter-button { width: auto; padding: 0 14px; height: 32px; line-height: 30px; border-radius: 5px; font-weight: 600; }
.as-counts { display: grid; grid-template-columns: repeat(5, 1fr); border-bottom: 1px solid var(--line); }
.as-counts div { padding: 10px 18px; border-left: 1px solid var(--line); } .as-counts div:first-child { border-left: none; }
.as-counts b { display: block; font-size: 22px; line-height: 1.2; font-variant-numeric: tabular-nums; } .as-counts span { font-size: 12px; color: var(--soft); }
.as-body { display: grid; grid-template-columns: 1fr 1fr; }
.as-body section { padding: 14px 18px 16px; } .as-body section + section { border-left: 1px solid var(--line); }
.as-h { font-weight: 600; margin-bottom: 8px; }
.as-row { display: grid; grid-template-columns: 58px 84px 1fr; gap: 12px; align-items: center; min-height: 30px; }
.as-name { font-weight: 600; }
.as-badge { width: 82px; box-sizing: border-box; padding: 1px 0; border-radius: 999px; text-align: center; font-size: 12px; font-weight: 600; border: 1px solid currentColor; }
.as-queued, .as-off { color: var(--soft); } .as-running, .as-busy { color: var(--go); } .as-done, .as-idle { color: var(--good); } .as-starting, .as-retiring { color: var(--late); }
.as-note { font-size: 12px; color: var(--soft); overflow: hidden; white-space: nowrap; text-overflow: ellipsis; }
.as-off .as-name, .as-row.as-off { opacity: .75; }
.as-log { border-top: 1px solid var(--line); padding: 10px 18px 12px; background: var(--tint); font-family: var(--jp-code-font-family, monospace); font-size: 12px; line-height: 1.55; }
</style>
"""


def hypotenuses(low, high, begun, gate):
    """How many numbers from low up to high are the hypotenuse of a right triangle with whole sides.

    Args:
        begun, gate: names of the events that say that it runs, and that it may end.
    """
    found = set()
    for a in range(1, high):
        for b in range(a, math.isqrt(high * high - a * a) + 1):
            c = math.isqrt(a * a + b * b)
            if low <= c < high and c * c == a * a + b * b:
                found.add(c)
    Event(begun).set()
    Event(gate).wait()
    return len(found)


class Machine:
    """A slot for one worker process. `state` is off, starting, idle, busy or retiring."""

    def __init__(self, number):
        self.number, self.name = number, f"vm-{number + 1}"
        self.state, self.job, self.address = "off", None, ""


class Job:
    """`state` is queued, running or done."""

    def __init__(self, number, low, high):
        self.number, self.low, self.high = number, low, high
        self.state, self.machine, self.future, self.result = "queued", None, None, None

    def event(self, what):
        return f"job-{self.number}-{what}"


class Autoscaler:
    """One machine for every two open jobs, at least one, at most `limit`; display ``autoscaler.widget``."""

    def __init__(self, limit=3):
        self.cluster = LocalCluster(
            n_workers=0,
            threads_per_worker=1,
            processes=True,
            memory_limit="512MiB",
            host="127.0.0.1",
            dashboard_address="127.0.0.1:0",
            # whether a warning is logged, for example of a worker that leaves, is a matter of chance
            silence_logs=logging.CRITICAL,
        )
        self.client = Client(self.cluster)
        self.machines = [Machine(number) for number in range(limit)]
        self.jobs, self.events = [], []
        self.submit = w.Button(
            description="Submit 6 jobs", icon="plus", button_style="primary", _dom_classes=("as-submit",)
        )
        self.release = w.Button(
            description="Let them end", icon="forward", disabled=True, _dom_classes=("as-release",)
        )
        self.title, self.body = w.HTML(), w.HTML()
        head = w.HBox([self.title, self.submit, self.release], _dom_classes=("as-head",))
        self.widget = w.VBox([w.HTML(STYLE), head, self.body], _dom_classes=("as",))
        self.submit.on_click(lambda _: self._submit())
        self.release.on_click(lambda _: self._release())
        self._scale()

    def close(self):
        """End all machines."""
        self.client.close()
        self.cluster.close()

    # The life of jobs and machines -----------------------------------------------------------------------------

    def _submit(self):
        self.submit.disabled = True
        first = len(self.jobs)
        self.jobs += [Job(n + 1, 60 * n + 1, 60 * n + 61) for n in range(first, first + 6)]
        self._say(f"{len(self.jobs) - first} jobs submitted")
        self._scale()
        self._place()
        self.release.disabled = False

    def _release(self):
        """Let the running jobs end, the next ones too, until none is left; then machines that have nothing to do go."""
        self.release.disabled = True
        while running := [job for job in self.jobs if job.state == "running"]:
            for job in running:
                Event(job.event("gate")).set()
                wait(job.future)
                job.result, job.state = job.future.result(), "done"
                job.machine.state, job.machine.job = "idle", None
            self._place()
        self._say(f"{len(self.jobs)} jobs done")
        self._scale()
        self.submit.disabled = False

    def _scale(self):
        """Bring the number of machines to what the open jobs ask for, one after the other."""
        wanted = sum(job.state != "done" for job in self.jobs)
        target = min(len(self.machines), max(1, math.ceil(wanted / 2)))
        up = [machine for machine in self.machines if machine.state != "off"]
        for machine in self.machines[len(up) : target]:
            machine.state = "starting"
            self._say(f"{machine.name} starts")
            self.cluster.scale(machine.number + 1)
            self.client.wait_for_workers(machine.number + 1)
            known = {other.address for other in self.machines}
            # the client asks now and then by itself, and an answer from before may be the last to arrive
            while not (new := set(self.client.scheduler_info(n_workers=-1)["workers"]) - known):
                pass
            (machine.address,) = new
            machine.state = "idle"
            self._say(f"{machine.name} is up")
        for machine in reversed(up[target:]):
            machine.state = "retiring"
            self._say(f"{machine.name} retires")
            self.client.retire_workers([machine.address])
            self.cluster.scale(machine.number)
            machine.state, machine.address = "off", ""
            self._say(f"{machine.name} is off")

    def _place(self):
        """Give each idle machine the next job, and wait until it runs there."""
        queued = [job for job in self.jobs if job.state == "queued"]
        for machine, job in zip([one for one in self.machines if one.state == "idle"], queued):
            job.future = self.client.submit(
                hypotenuses, job.low, job.high, job.event("begun"), job.event("gate"), workers=[machine.address]
            )
            begun = Event(job.event("begun"))
            while not begun.wait(timeout=1):
                if job.future.status == "error":
                    job.future.result()  # raises what the job raised
            job.state, job.machine = "running", machine
            machine.state, machine.job = "busy", job
            self._draw()

    # What is seen of it ----------------------------------------------------------------------------------------

    def _say(self, event):
        self.events.append(event)
        self._draw()

    def _draw(self):
        up = [machine for machine in self.machines if machine.state in ("idle", "busy")]
        states = [job.state for job in self.jobs]
        self.title.value = (
            '<div class="as-title">Autoscaler</div>'
            f'<div class="as-soft">one machine for every two open jobs, 1 to {len(self.machines)}</div>'
        )
        counts = [(states.count(kind), kind, kind) for kind in ("queued", "running", "done")]
        counts += [(len(up), "machines up", "idle" if up else "off")]
        counts += [(sum(machine.state == "busy" for machine in up), "machines busy", "busy")]
        machines = "".join(
            _row(one.name, one.state, f"runs job {one.job.number}" if one.job else "") for one in self.machines
        )
        jobs = "".join(_row(f"job {job.number}", job.state, _about(job)) for job in self.jobs[-6:])
        self.body.value = (
            '<div class="as-counts">'
            + "".join(f'<div><b class="as-{kind}">{n}</b><span>{name}</span></div>' for n, name, kind in counts)
            + f'</div><div class="as-body"><section><div class="as-h">Jobs</div>{jobs or _EMPTY}</section>'
            f'<section><div class="as-h">Machines</div>{machines}</section></div>'
            f'<div class="as-log">{" &middot; ".join(html.escape(event) for event in self.events[-7:])}</div>'
        )


_EMPTY = '<div class="as-note">none so far</div>'


def _row(name, state, note):
    return (
        f'<div class="as-row"><span class="as-name">{name}</span>'
        f'<span class="as-badge as-{state}">{state}</span><span class="as-note">{html.escape(note)}</span></div>'
    )


def _about(job):
    if job.state == "queued":
        return f"hypotenuses {job.low} to {job.high - 1}"
    if job.state == "running":
        return f"hypotenuses {job.low} to {job.high - 1}, on {job.machine.name}"
    return f"{job.result} hypotenuses from {job.low} to {job.high - 1}, by {job.machine.name}"
