"""A configuration panel for clustrix, written in ipywidgets.

Every field of the panel is a field of ``clustrix.config.ClusterConfig``. Applying calls ``clustrix.configure``,
profiles are written by ``save_config`` and read by ``load_config``, and the test job is a function decorated
with ``clustrix.cluster`` that clustrix runs on this computer.
"""

import html
import re
import time
from importlib.metadata import version
from pathlib import Path

import clustrix
import ipywidgets as w
import yaml
from clustrix.config import ClusterConfig, load_config, save_config

VERSION = version("clustrix")

TYPES = {
    "local": "This computer",
    "ssh": "SSH host",
    "slurm": "SLURM",
    "pbs": "PBS",
    "sge": "SGE",
    "kubernetes": "Kubernetes",
}
HINTS = {
    "local": "Jobs run as threads and processes on this computer. No host is contacted.",
    "ssh": "Jobs run directly on one host, without a queue.",
    "slurm": "Jobs are submitted with <code>sbatch</code> on the login node.",
    "pbs": "Jobs are submitted with <code>qsub</code> on the login node.",
    "sge": "Jobs are submitted with <code>qsub</code> on the submit host.",
    "kubernetes": "Jobs run as pods. Credentials come from your kubeconfig.",
}
REMOTE = {"ssh", "slurm", "pbs", "sge"}
SHOWN_FOR = {
    "host": REMOTE | {"kubernetes"},
    "port": REMOTE,
    "user": REMOTE,
    "key": REMOTE,
    "partition": {"slurm"},
    "queue": {"pbs", "sge"},
    "time": {"slurm", "pbs", "sge"},
    "workdir": REMOTE | {"kubernetes"},
}

STYLE = """
<style>
.cx { --cx-line: var(--jp-border-color2, #e0e0e0); --cx-ink: var(--jp-content-font-color1, #212121);
  --cx-soft: var(--jp-content-font-color2, #616161); --cx-card: var(--jp-layout-color1, #fff);
  --cx-page: color-mix(in srgb, var(--jp-layout-color1, #fff) 95%, var(--jp-ui-font-color0, #000)); --cx-accent: var(--jp-brand-color1, #1976d2);
  --cx-bad: var(--jp-error-color1, #d32f2f); --cx-good: var(--jp-success-color1, #388e3c);
  width: 100%; box-sizing: border-box; overflow: hidden; color: var(--cx-ink); background: var(--cx-page);
  border: 1px solid var(--cx-line); border-radius: 10px; font-family: var(--jp-ui-font-family, system-ui, sans-serif); }
.cx .jupyter-widgets { margin: 0; }
.cx .widget-html, .cx .widget-html-content { height: auto; line-height: 1.45; font-size: 13px; color: inherit; }
.cx code { font-family: var(--jp-code-font-family, monospace); font-size: 12px; background: none; color: inherit; }

.cx-head > .widget-html-content { display: flex; align-items: center; gap: 12px; padding: 14px 20px;
  background: var(--cx-card); border-bottom: 1px solid var(--cx-line); }
.cx-mark { width: 30px; height: 30px; flex: none; color: var(--cx-accent); }
.cx-title { font-size: 16px; font-weight: 600; line-height: 1.25; }
.cx-sub { font-size: 12px; color: var(--cx-soft); line-height: 1.3; }
.cx-badge { margin-left: auto; padding: 3px 12px; border-radius: 999px; font-size: 12px; font-weight: 600;
  border: 1px solid currentColor; }
.cx-badge.good { color: var(--cx-good); } .cx-badge.bad { color: var(--cx-bad); } .cx-badge.idle { color: var(--cx-soft); }

.cx-body { display: grid; grid-template-columns: minmax(0, 1fr) 318px; gap: 16px; padding: 16px 20px 20px; align-items: start; }
.cx .cx-col { display: flex; flex-direction: column; gap: 16px; overflow: visible; }
.cx .cx-card { background: var(--cx-card); border: 1px solid var(--cx-line); border-radius: 8px; padding: 14px 16px 16px; overflow: visible; }
.cx-h { font-size: 13px; font-weight: 600; margin-bottom: 2px; }
.cx-hint { font-size: 12px; color: var(--cx-soft); line-height: 1.4; }
.cx .cx-grid { display: grid; grid-template-columns: repeat(6, minmax(0, 1fr)); gap: 12px 14px; margin-top: 10px; overflow: visible; }
.cx .cx-field { display: flex; flex-direction: column; grid-column: span 3; overflow: visible; }
.cx .cx-span2 { grid-column: span 2; } .cx .cx-span4 { grid-column: span 4; } .cx .cx-span6 { grid-column: span 6; }
.cx .cx-hidden, .cx .cx-grid:not(:has(> .cx-field:not(.cx-hidden))) { display: none; }
.cx .cx-input { display: flex; flex-direction: column; align-items: stretch; width: 100%; height: auto; overflow: visible; }
.cx .cx-input > .widget-label { width: auto; height: auto; line-height: 1.4; margin: 0 0 4px; padding: 0; text-align: left;
  font-size: 12px; color: var(--cx-soft); }
.cx .cx-input input, .cx .cx-input select, .cx .cx-input textarea { flex: none; width: 100%; box-sizing: border-box; border-radius: 5px; font-size: 13px;
  border-color: var(--jp-border-color1, #bdbdbd); background-color: var(--jp-layout-color0, #fff); color: var(--cx-ink); }
.cx .cx-input input, .cx .cx-input select { height: 32px; padding-left: 9px; }
.cx .cx-input select { appearance: none; background-size: 10px; background-position: right 10px center; background-repeat: no-repeat;
  background-image: url("data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 10 6'%3E%3Cpath d='M1 1l4 4 4-4' fill='none' stroke='%23888' stroke-width='1.6'/%3E%3C/svg%3E"); }
.cx .cx-input textarea { height: 62px; padding: 6px 9px; line-height: 1.45; resize: none; font-family: var(--jp-code-font-family, monospace); font-size: 12px; }
.cx .cx-bad input, .cx .cx-bad select, .cx .cx-bad textarea { border-color: var(--cx-bad); box-shadow: 0 0 0 1px var(--cx-bad); }
.cx-error { color: var(--cx-bad); font-size: 12px; line-height: 1.35; padding-top: 4px; }

.cx .jupyter-widget-Collapse { border: 1px solid var(--cx-line); border-radius: 8px; overflow: hidden; background: var(--cx-card); }
.cx .jupyter-widget-Collapse-header { padding: 11px 16px; border: none; background: var(--cx-card); color: var(--cx-ink); font-size: 13px; font-weight: 600; }
.cx .jupyter-widget-Collapse-contents { padding: 0 16px 16px; border: none; background: var(--cx-card); color: inherit; }

.cx .cx-row { display: flex; flex-direction: row; gap: 8px; align-items: flex-end; margin-top: 10px; overflow: visible; }
.cx .cx-row > .cx-input { flex: 1; width: auto; min-width: 0; }
.cx .jupyter-button { height: 32px; line-height: 30px; border-radius: 5px; padding: 0 14px; width: auto; font-size: 13px; font-weight: 600; box-shadow: none;
  color: var(--cx-ink); background: var(--cx-card); border: 1px solid var(--jp-border-color1, #bdbdbd); }
.cx .jupyter-button.mod-primary { color: #fff; background: var(--cx-accent); border-color: var(--cx-accent); }
.cx .cx-wide { width: 100%; }
.cx .cx-side { flex: none; width: 76px; padding: 0; }
.cx-note { margin-top: 10px; font-size: 12px; line-height: 1.4; }
.cx-note.good { color: var(--cx-good); } .cx-note.bad { color: var(--cx-bad); } .cx-note.idle { color: var(--cx-soft); }
.cx .cx-active pre.cx-yaml { margin: 10px 0 0; padding: 9px 11px; border-radius: 6px; background: var(--cx-page); color: var(--cx-ink); line-height: 1.5;
  font-family: var(--jp-code-font-family, monospace); font-size: 11.5px; white-space: pre-wrap; overflow-wrap: anywhere; }
.cx .cx-result { width: 100%; margin: 10px 0 0; border-collapse: collapse; font-size: 12px; table-layout: fixed; }
.cx .cx-result td, .cx .cx-result th { padding: 3px 0; border: none; text-align: left; background: none; color: inherit; font-weight: 400; }
.cx .cx-result th { color: var(--cx-soft); width: 112px; } .cx .cx-result td { font-variant-numeric: tabular-nums; text-align: right; }
.cx .cx-result tr:last-child th, .cx .cx-result tr:last-child td { font-weight: 600; color: var(--cx-ink); border-top: 1px solid var(--cx-line); padding-top: 6px; }
.cx-duration { display: inline-block; width: 64px; overflow: hidden; white-space: nowrap; vertical-align: bottom; }
</style>
"""

MARK = (
    '<svg class="cx-mark" viewBox="0 0 30 30" fill="none" stroke="currentColor" stroke-width="2">'
    '<path d="M15 8.5v5M13.6 16.8 9 20.6M16.4 16.8l4.6 3.8"/><circle cx="15" cy="5.5" r="3.5" fill="currentColor" stroke="none"/>'
    '<circle cx="15" cy="15" r="2.2"/><circle cx="7" cy="23" r="3.5" fill="currentColor" stroke="none"/>'
    '<circle cx="23" cy="23" r="3.5" fill="currentColor" stroke="none"/></svg>'
)


def block_sum(block, blocks, steps):
    """Midpoint sum of 4 / (1 + x^2) over one of ``blocks`` equal parts of [0, 1]; all parts add up to pi."""
    width = 1 / (blocks * steps)
    return sum(4 * width / (1 + (block / blocks + (k + 0.5) * width) ** 2) for k in range(steps))


@clustrix.cluster
def integrate_quarter_circle(blocks, steps, workers):
    """The sums of all blocks, computed by ``workers`` threads of clustrix's local executor."""
    with clustrix.create_local_executor(max_workers=workers, use_threads=True) as executor:
        return executor.execute_loop_parallel(
            block_sum, "block", range(blocks), func_kwargs={"blocks": blocks, "steps": steps}
        )


class Field:
    """A labelled control with room for its error below."""

    def __init__(self, name, control, span=3):
        self.control = control
        self.error = w.HTML(layout=w.Layout(display="none"))
        self.box = w.VBox([control, self.error], _dom_classes=("cx-field", f"cx-span{span}", f"cx-{name}"))
        control.add_class("cx-input")

    @property
    def value(self):
        value = self.control.value
        return value.strip() if isinstance(value, str) else value

    def show(self, shown):
        (self.box.remove_class if shown else self.box.add_class)("cx-hidden")

    def complain(self, message):
        self.error.value = f'<div class="cx-error">{html.escape(message)}</div>' if message else ""
        self.error.layout.display = None if message else "none"
        (self.control.add_class if message else self.control.remove_class)("cx-bad")


def card(*children):
    return w.VBox(children, _dom_classes=("cx-card",))


def title(text, hint=""):
    return w.HTML(f'<div class="cx-h">{text}</div><div class="cx-hint">{hint}</div>')


def row(*children):
    return w.HBox(children, _dom_classes=("cx-row",))


def short(text):
    """With ``~`` for the home folder."""
    return str(text).replace(str(Path.home()), "~")


class ClusterPanel:
    """Edits the global clustrix configuration; display ``panel.widget``.

    Args:
        profiles: the folder of the profiles, made when the first one is saved.
    """

    def __init__(self, profiles=Path("profiles")):
        self.profiles = profiles
        defaults = ClusterConfig()
        style = {"description_width": "auto"}

        def text(label, value="", **more):
            return w.Text(value=value, description=label, style=style, **more)

        def area(label, placeholder):
            return w.Textarea(description=label, placeholder=placeholder, style=style)

        self.fields = {
            "type": Field(
                "type",
                w.Dropdown(
                    options=[(v, k) for k, v in TYPES.items()], value="local", description="Runs on", style=style
                ),
                6,
            ),
            "host": Field("host", text("Host", placeholder="login.campus.example"), 4),
            "port": Field("port", text("Port", str(defaults.cluster_port)), 2),
            "user": Field("user", text("User name", placeholder="your account there")),
            "key": Field("key", text("Private key file", placeholder="~/.ssh/id_ed25519")),
            "cores": Field("cores", text("Cores", str(defaults.default_cores)), 2),
            "memory": Field("memory", text("Memory", defaults.default_memory), 2),
            "time": Field("time", text("Time limit", defaults.default_time), 2),
            "partition": Field("partition", text("Partition", placeholder="default"), 2),
            "queue": Field("queue", text("Queue", placeholder="default"), 2),
            "modules": Field("modules", area("Modules to load", "one per line: python/3.11")),
            "env": Field("env", area("Environment variables", "one per line: NAME=value")),
            "commands": Field("commands", area("Commands before the job", "one per line"), 6),
            "workdir": Field("workdir", text("Remote work folder", defaults.remote_work_dir)),
            "python": Field("python", text("Python executable", defaults.python_executable)),
        }
        for field in self.fields.values():
            field.control.observe(self._edited, "value")

        self.head = w.HTML(_dom_classes=("cx-head",))
        self.hint = w.HTML()
        self.apply = w.Button(
            description="Check and apply", button_style="primary", _dom_classes=("cx-apply", "cx-wide")
        )
        self.active = w.HTML(_dom_classes=("cx-active",))
        self.name = w.Text(
            description="Save as", placeholder="profile name", style=style, _dom_classes=("cx-input", "cx-name")
        )
        self.save = w.Button(description="Save", _dom_classes=("cx-save", "cx-side"))
        self.saved = w.Dropdown(description="Saved profiles", style=style, _dom_classes=("cx-input", "cx-saved"))
        self.load = w.Button(description="Load", _dom_classes=("cx-load", "cx-side"))
        self.profile_note = w.HTML(_dom_classes=("cx-profile-note",))
        self.run = w.Button(description="Run test job locally", icon="play", _dom_classes=("cx-run", "cx-wide"))
        self.job = w.HTML(_dom_classes=("cx-job",))
        self.advanced = w.Accordion(
            [self._grid("modules", "env", "commands", "workdir", "python")],
            titles=("Advanced",),
            _dom_classes=("cx-advanced",),
        )

        self.left = w.VBox(
            [
                card(title("Connection"), self._grid("type"), self.hint, self._grid("host", "port", "user", "key")),
                card(title("Resources per job"), self._grid("cores", "memory", "time", "partition", "queue")),
                self.advanced,
                self.apply,
            ],
            _dom_classes=("cx-col",),
        )
        self.job_card = card(
            title("Test job", "Integrates π with clustrix on this computer"),
            w.HTML("<div style='height:10px'></div>"),
            self.run,
            self.job,
        )
        self.right = w.VBox(
            [
                card(
                    title(
                        "Active configuration", "What <code>clustrix.get_config()</code> holds, without the defaults"
                    ),
                    self.active,
                ),
                card(
                    title("Profiles", "YAML files that clustrix reads by itself"),
                    row(self.name, self.save),
                    row(self.saved, self.load),
                    self.profile_note,
                ),
                self.job_card,
            ],
            _dom_classes=("cx-col",),
        )
        body = w.Box([self.left, self.right], _dom_classes=("cx-body",))
        self.widget = w.VBox([w.HTML(STYLE), self.head, body], _dom_classes=("cx",))

        self.apply.on_click(lambda _: self._apply())
        self.save.on_click(lambda _: self._save())
        self.load.on_click(lambda _: self._load())
        self.run.on_click(lambda _: self._run())
        self.checked = False
        self._list_profiles()
        self._note("idle", "No profile saved yet.")
        self._show_active()
        self._edited()

    def _grid(self, *names):
        return w.Box([self.fields[name].box for name in names], _dom_classes=("cx-grid",))

    # -- the fields ---------------------------------------------------------------------------------------------

    def _edited(self, _change=None):
        kind = self.fields["type"].value
        for name, kinds in SHOWN_FOR.items():
            self.fields[name].show(kind in kinds)
        self.hint.value = f'<div class="cx-hint" style="margin-top:8px">{HINTS[kind]}</div>'
        if self.checked:
            self._check()
        else:
            self._badge("idle", "not applied yet")

    def _errors(self):
        """Problems of the visible fields, by field name."""
        field = self.fields
        kind = field["type"].value
        found = {}
        if kind != "local" and not field["host"].value:
            found["host"] = f"{TYPES[kind]} needs a host."
        elif kind != "local" and not re.fullmatch(r"[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?", field["host"].value):
            found["host"] = "Only letters, digits, dots and hyphens."
        if kind in REMOTE:
            if not field["user"].value:
                found["user"] = "Needed to log in."
            if not field["port"].value.isdecimal() or not 1 <= int(field["port"].value) <= 65535:
                found["port"] = "A number from 1 to 65535."
        if not field["cores"].value.isdecimal() or int(field["cores"].value) < 1:
            found["cores"] = "A whole number, 1 or more."
        if not re.fullmatch(r"[1-9]\d*(MB|GB|TB|Mi|Gi)", field["memory"].value):
            found["memory"] = "Write it like 8GB or 512MB."
        if kind in SHOWN_FOR["time"] and not re.fullmatch(r"(\d+-)?\d{1,3}:[0-5]\d:[0-5]\d", field["time"].value):
            found["time"] = "Write it as HH:MM:SS."
        bad = [line for line in _lines(field["env"].value) if not re.fullmatch(r"[A-Za-z_]\w*=.*", line)]
        if bad:
            found["env"] = f"Not NAME=value: {bad[0]}"
        if kind != "local" and not field["workdir"].value.startswith("/"):
            found["workdir"] = "An absolute path."
        return found

    def _check(self):
        errors = self._errors()
        for name, field in self.fields.items():
            field.complain(errors.get(name))
        if errors:
            self._badge("bad", "1 problem" if len(errors) == 1 else f"{len(errors)} problems")
            if {"modules", "env", "commands", "workdir", "python"} & set(errors):
                self.advanced.selected_index = 0
        else:
            same = all(getattr(clustrix.get_config(), key) == value for key, value in self._values().items())
            self._badge(*(("good", "applied") if same else ("idle", "not applied yet")))
        return not errors

    def _values(self):
        """The panel's content as arguments of ``clustrix.configure``."""
        field = self.fields
        kind = field["type"].value

        def shown(name):
            return field[name].value or None if kind in SHOWN_FOR[name] else None

        return {
            "cluster_type": ClusterConfig().cluster_type if kind == "local" else kind,
            "cluster_host": shown("host"),
            "cluster_port": int(shown("port") or 22),
            "username": shown("user"),
            "key_file": str(Path(shown("key")).expanduser()) if shown("key") else None,
            "default_cores": int(field["cores"].value),
            "default_memory": field["memory"].value,
            "default_time": field["time"].value,
            "default_partition": shown("partition"),
            "default_queue": shown("queue"),
            "module_loads": _lines(field["modules"].value),
            "environment_variables": dict(line.split("=", 1) for line in _lines(field["env"].value)),
            "pre_execution_commands": _lines(field["commands"].value),
            "remote_work_dir": shown("workdir") or ClusterConfig().remote_work_dir,
            "python_executable": field["python"].value,
        }

    # -- what the buttons do ------------------------------------------------------------------------------------

    def _apply(self):
        self.checked = True
        if not self._check():
            return False
        clustrix.configure(**self._values())
        self._show_active()
        return self._check()

    def _save(self):
        name = self.name.value.strip()
        if not re.fullmatch(r"[A-Za-z0-9_-]+", name):
            self._note("bad", "A profile name has letters, digits, - and _ only.")
        elif not self._apply():
            self._note("bad", "Not saved: mend the fields marked red first.")
        else:
            self.profiles.mkdir(parents=True, exist_ok=True)
            save_config(str(self.profiles / f"{name}.yml"))
            self._list_profiles(name)
            self._note("good", f"Saved {short(self.profiles)}/{name}.yml")

    def _load(self):
        name = self.saved.value
        if name is None:
            self._note("bad", "There is no profile to load.")
            return
        load_config(str(self.profiles / f"{name}.yml"))
        config = clustrix.get_config()
        field = self.fields
        values = {
            "type": config.cluster_type if config.cluster_host else "local",
            "host": config.cluster_host or "",
            "port": str(config.cluster_port),
            "user": config.username or "",
            "key": short(config.key_file or ""),
            "cores": str(config.default_cores),
            "memory": config.default_memory,
            "time": config.default_time,
            "partition": config.default_partition or "",
            "queue": config.default_queue or "",
            "modules": "\n".join(config.module_loads),
            "env": "\n".join(f"{key}={value}" for key, value in config.environment_variables.items()),
            "commands": "\n".join(config.pre_execution_commands),
            "workdir": config.remote_work_dir,
            "python": config.python_executable,
        }
        self.checked = False
        for key, value in values.items():
            field[key].control.value = value
        self.name.value = name
        self.checked = True
        self._check()
        self._show_active()
        self._note("good", f"Loaded {short(self.profiles)}/{name}.yml")

    def _run(self):
        if not self._apply():
            self.job.value = '<div class="cx-note bad">Not run: mend the fields marked red first.</div>'
            return
        blocks, steps, workers = 8, 5_000, clustrix.get_config().default_cores
        clustrix.configure(prefer_local_parallel=True)
        started = time.perf_counter()
        try:
            sums = integrate_quarter_circle(blocks, steps, workers)
        except Exception as error:
            self.job.value = f'<div class="cx-note bad">{html.escape(f"{type(error).__name__}: {error}")}</div>'
            return
        finally:
            clustrix.configure(prefer_local_parallel=False)
        took = time.perf_counter() - started
        self._show_job(sums, ("Worker threads", f"{workers}"), blocks * steps, took)

    def _show_job(self, sums, where, terms, took):
        rows = [
            ("Blocks", f"{len(sums)}"),
            where,
            ("Terms summed", f"{terms:,}"),
            ("Took", f'<span class="cx-duration">{took * 1000:.0f} ms</span>'),
            ("π ≈", f"{sum(sums):.9f}"),
        ]
        cells = "".join(f"<tr><th>{label}</th><td>{value}</td></tr>" for label, value in rows)
        self.job.value = f'<table class="cx-result">{cells}</table>'

    # -- what is shown ------------------------------------------------------------------------------------------

    def _badge(self, state, text):
        self.head.value = (
            f'{MARK}<div><div class="cx-title">Cluster configuration</div>'
            f'<div class="cx-sub">clustrix {VERSION}</div></div><div class="cx-badge {state}">{text}</div>'
        )

    def _note(self, state, text):
        self.profile_note.value = f'<div class="cx-note {state}">{html.escape(text)}</div>'

    def _list_profiles(self, chosen=None):
        names = sorted(path.stem for path in self.profiles.glob("*.yml"))
        self.saved.options = names
        self.saved.disabled = self.load.disabled = not names
        if chosen:
            self.saved.value = chosen

    def _show_active(self):
        config, defaults = clustrix.get_config(), ClusterConfig()
        changed = {
            k: v
            for k, v in vars(config).items()
            if v != getattr(defaults, k) or (k == "cluster_type" and config.cluster_host)
        }
        changed = dict(sorted(changed.items(), key=lambda item: not item[0].startswith("cluster_")))
        text = (
            yaml.dump(changed, default_flow_style=False, sort_keys=False)
            if changed
            else "# all defaults: jobs run here\n"
        )
        self.active.value = f'<pre class="cx-yaml">{html.escape(short(text.rstrip()))}</pre>'


def _lines(text):
    return [line.strip() for line in text.splitlines() if line.strip()]
