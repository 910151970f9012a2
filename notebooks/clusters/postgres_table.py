"""A table of a PostgreSQL database in ipydatagrid, with a form that inserts and the server's own words.

The database judges what is typed: nothing is checked here.
"""

import html

import ipywidgets as w
import pandas as pd
import psycopg
from bqplot import LinearScale
from ipydatagrid import BarRenderer, DataGrid, TextRenderer

# Temporary tables are seen by this connection only, and end with it: several notebooks may use one server at a time.
SCHEMA = """
CREATE TEMPORARY TABLE queues (name text PRIMARY KEY, max_cores integer NOT NULL);
CREATE TEMPORARY TABLE jobs (
    id     integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name   text NOT NULL UNIQUE,
    queue  text NOT NULL REFERENCES queues,
    cores  integer NOT NULL CHECK (cores BETWEEN 1 AND 64)
);
"""
QUEUES = [("batch", 64), ("gpu", 16), ("debug", 4)]
JOBS = [
    ("align-genomes", "batch", 32),
    ("train-classifier", "gpu", 8),
    ("render-frames", "batch", 48),
    ("check-inputs", "debug", 1),
    ("fit-orbits", "batch", 16),
    ("embed-texts", "gpu", 4),
    ("profile-solver", "debug", 4),
    ("fold-proteins", "gpu", 16),
    ("merge-catalogues", "batch", 8),
]
ROWS = "SELECT id, name, queue, cores FROM jobs ORDER BY id"
PER_QUEUE = """
SELECT queue AS name, count(*) AS jobs, sum(cores) AS cores, max_cores AS limit
FROM jobs JOIN queues ON queues.name = queue GROUP BY queue, max_cores ORDER BY sum(cores) DESC, queue
"""

STYLE = """
<style>
.pg { --pg-line: var(--jp-border-color2, #e0e0e0); --pg-soft: var(--jp-content-font-color2, #616161); --pg-card: var(--jp-layout-color1, #fff);
  --pg-page: color-mix(in srgb, var(--jp-layout-color1, #fff) 95%, var(--jp-ui-font-color0, #000));
  width: 100%; box-sizing: border-box; overflow: hidden; border: 1px solid var(--pg-line); border-radius: 10px; background: var(--jp-layout-color0, #fff);
  color: var(--jp-content-font-color1, #212121); font-family: var(--jp-ui-font-family, system-ui, sans-serif); }
.pg .jupyter-widgets { margin: 0; }
.pg .widget-html, .pg .widget-html-content { height: auto; line-height: 1.4; font-size: 13px; color: inherit; }
.pg .pg-head { display: flex; align-items: center; padding: 14px 20px; border-bottom: 1px solid var(--pg-line); background: var(--pg-card); overflow: visible; }
.pg .pg-head > .widget-html { flex: 1; }
.pg-title { font-size: 16px; font-weight: 600; line-height: 1.25; } .pg-sub { font-size: 12px; color: var(--pg-soft); }
.pg .widget-toggle-buttons { width: auto; } .pg .widget-toggle-buttons .jupyter-button { width: 92px; height: 30px; line-height: 28px; margin: 0; box-shadow: none;
  border: 1px solid var(--jp-border-color1, #bdbdbd); background: var(--pg-card); color: inherit; font-size: 12px; }
.pg .widget-toggle-buttons .jupyter-button.mod-active { background: var(--jp-brand-color1, #1976d2); border-color: var(--jp-brand-color1, #1976d2); color: #fff; font-weight: 600; }
.pg .pg-body { display: grid; grid-template-columns: minmax(0, 1fr) 290px; gap: 20px; padding: 18px 20px 20px; align-items: start; overflow: visible; }
.pg .pg-side { display: flex; flex-direction: column; gap: 16px; overflow: visible; }
.pg .pg-card { display: grid; grid-template-columns: 1fr 1fr; gap: 10px 12px; padding: 12px 14px 14px; border: 1px solid var(--pg-line); border-radius: 8px; background: var(--pg-card); overflow: visible; }
.pg .pg-wide { grid-column: span 2; }
.pg-h { font-weight: 600; }
.pg .pg-input { display: flex; flex-direction: column; align-items: stretch; width: auto; height: auto; overflow: visible; }
.pg .pg-input > .widget-label { width: auto; height: auto; line-height: 1.4; margin: 0 0 4px; text-align: left; font-size: 12px; color: var(--pg-soft); }
.pg .pg-input input { flex: none; width: 100%; height: 32px; box-sizing: border-box; padding-left: 9px; border-radius: 5px; font-size: 13px; color: inherit;
  border-color: var(--jp-border-color1, #bdbdbd); background-color: var(--jp-layout-color0, #fff); }
.pg .pg-side .jupyter-button { width: auto; height: 32px; line-height: 30px; border-radius: 5px; font-weight: 600; box-shadow: none; }
.pg .pg-side .jupyter-button.mod-primary { color: #fff; }
.pg .pg-side .pg-login { align-self: end; }
.pg .pg-side .jupyter-button:not(.mod-primary) { color: inherit; background: var(--pg-card); border: 1px solid var(--jp-border-color1, #bdbdbd); }
.pg .pg-answer { padding: 0 20px 20px; overflow: visible; }
.pg .pg-answer > .pg-h { margin-bottom: 8px; }
.pg .pg-out { min-height: 61px; box-sizing: border-box; border: 1px solid var(--pg-line); border-radius: 8px; overflow: hidden; background: var(--pg-page); }
.pg .pg-out pre { padding: 10px 14px; margin: 0; font-size: 12px; line-height: 1.55; white-space: pre-wrap; }
.pg .pg-out .jp-OutputArea-output, .pg .pg-out .jp-OutputArea-child { padding: 0; margin: 0; }
.pg-note { font-size: 12px; line-height: 17px; min-height: 34px; } .pg-note.good { color: var(--jp-success-color1, #388e3c); } .pg-note.bad { color: var(--jp-error-color1, #d32f2f); }
.pg-note.idle { color: var(--pg-soft); }
</style>
"""


class Table:
    """Shows and fills the tables of one connection; display ``table.widget``.

    Args:
        url: of a PostgreSQL database in which temporary tables may be made.
    """

    def __init__(self, url):
        self.url = url
        self.connection = psycopg.connect(url, autocommit=True)
        self.connection.execute(SCHEMA)
        with self.connection.cursor() as cursor:
            cursor.executemany("INSERT INTO queues VALUES (%s, %s)", QUEUES)
            cursor.executemany("INSERT INTO jobs (name, queue, cores) VALUES (%s, %s, %s)", JOBS)

        def text(label, css, kind=w.Text, **more):
            return kind(description=label, _dom_classes=("pg-input", css), **more)

        def card(title, *children):
            return w.Box([w.HTML(f'<div class="pg-h">{title}</div>', _dom_classes=("pg-wide",)), *children]).add_class(
                "pg-card"
            )

        self.head = w.HTML()
        self.view = w.ToggleButtons(options=["Rows", "Per queue"], _dom_classes=("pg-view",))
        self.grid = DataGrid(
            self._read(ROWS),
            base_row_size=32,
            base_column_header_size=32,
            selection_mode="none",
            layout=w.Layout(height="367px", width="100%"),
        )
        self.name = text("Name", "pg-name", placeholder="unique")
        self.name.add_class("pg-wide")
        self.queue = text("Queue", "pg-queue", placeholder="batch")
        self.cores = text("Cores", "pg-cores", placeholder="1 to 64")
        insert = w.Button(description="Insert", icon="plus", button_style="primary")
        insert.add_class("pg-insert").add_class("pg-wide")
        self.password = text("Password", "pg-password", w.Password, placeholder="of the same user")
        login = w.Button(description="Connect", _dom_classes=("pg-login",))
        self.login_note = w.HTML('<div class="pg-note idle">Not tried yet.</div>', _dom_classes=("pg-wide",))
        self.output = w.Output(_dom_classes=("pg-out",))
        self.widget = w.VBox(
            [
                w.HTML(STYLE),
                w.HBox([self.head, self.view], _dom_classes=("pg-head",)),
                w.Box(
                    [
                        self.grid,
                        w.VBox(
                            [
                                card("Insert a job", self.name, self.queue, self.cores, insert),
                                card("A second connection", self.password, login, self.login_note),
                            ],
                            _dom_classes=("pg-side",),
                        ),
                    ],
                    _dom_classes=("pg-body",),
                ),
                w.VBox(
                    [w.HTML('<div class="pg-h">What the server answered</div>'), self.output],
                    _dom_classes=("pg-answer",),
                ),
            ],
            _dom_classes=("pg",),
        )
        self.view.observe(lambda _: self._show(), "value")
        insert.on_click(lambda _: self._insert())
        login.on_click(lambda _: self._login())
        self._show()
        self._answer(f"{self.connection.execute(ROWS).statusmessage}\n")

    def _read(self, query):
        with self.connection.cursor() as cursor:
            rows = cursor.execute(query).fetchall()
            names = [column.name for column in cursor.description]
        return pd.DataFrame(rows, columns=names).set_index(names[0])

    def _show(self):
        per_queue = self.view.value == "Per queue"
        data = self._read(PER_QUEUE if per_queue else ROWS)
        bar = BarRenderer(
            bar_color="#64b5f6",
            bar_value=LinearScale(min=0, max=200 if per_queue else 64),
            horizontal_alignment="right",
        )
        self.grid.renderers = {"cores": bar, "jobs": TextRenderer(horizontal_alignment="right")}
        widths = {"jobs": 100, "limit": 100} if per_queue else {"id": 54, "queue": 110}
        self.grid.column_widths = {"name": 180, "cores": 570 - 180 - sum(widths.values()), **widths}
        self.grid.data = data
        (count,) = self.connection.execute("SELECT count(*) FROM jobs").fetchone()
        self.head.value = (
            '<div class="pg-title">jobs</div>'
            f'<div class="pg-sub">PostgreSQL, {count} rows, each in one of {len(QUEUES)} queues</div>'
        )

    def _insert(self):
        row = (self.name.value, self.queue.value, self.cores.value)
        try:
            done = self.connection.execute("INSERT INTO jobs (name, queue, cores) VALUES (%s, %s, %s)", row)
        except psycopg.Error as error:
            self._answer(error=f"{error.diag.severity}:  {error.sqlstate}: {error}\n")
        else:
            self._answer(f"{done.statusmessage}\n")
        self._show()

    def _answer(self, text="", error=""):
        self.output.outputs = ()
        if text:
            self.output.append_stdout(text)
        if error:
            self.output.append_stderr(error)

    def _login(self):
        try:
            with psycopg.connect(self.url, password=self.password.value) as second:
                (user,) = second.execute("SELECT current_user").fetchone()
        except psycopg.OperationalError as error:
            # Before the server's words stand those of the client library, with the port.
            before, fatal, words = str(error).partition("FATAL:")
            self._login_say("bad", fatal + words if fatal else before)
        else:
            self._login_say("good", f"Connected as {user}.")

    def _login_say(self, state, words):
        self.login_note.value = f'<div class="pg-note {state}">{html.escape(words)}</div>'
