"""A health monitor of services: each is really asked something, by a client of its own protocol.

What a check shows is what the service answered, or what the client said when it got no answer.
"""

import html
import os
import re
import urllib.error
import urllib.request
import uuid
from urllib.parse import urlsplit

import ipywidgets as w
import psycopg
import redis
from websockets.exceptions import WebSocketException
from websockets.sync.client import connect

from widgetshot.services import control

STYLE = """
<style>
.sh { --line: var(--jp-border-color2, #e0e0e0); --soft: var(--jp-content-font-color2, #616161); --ink: var(--jp-content-font-color1, #212121); --good: var(--jp-success-color1, #388e3c);
  --bad: var(--jp-error-color1, #d32f2f); --tint: color-mix(in srgb, var(--jp-layout-color1, #fff) 95%, var(--jp-ui-font-color0, #000));
  width: 100%; box-sizing: border-box; border: 1px solid var(--line); border-radius: 10px; overflow: hidden; background: var(--jp-layout-color1, #fff); color: var(--ink);
  font-family: var(--jp-ui-font-family, system-ui, sans-serif); font-size: 13px; }
.sh .jupyter-widgets { margin: 0; }
.sh .widget-html, .sh .widget-html-content { height: auto; line-height: 1.45; font-size: 13px; color: inherit; }
.sh .sh-head { display: flex; align-items: center; gap: 14px; padding: 14px 18px 14px 22px; border-bottom: 1px solid var(--line); overflow: visible; }
.sh .sh-head > .widget-html { flex: 1; }
.sh-title { font-size: 16px; font-weight: 600; line-height: 1.3; } .sh-soft { font-size: 12px; color: var(--soft); }
.sh .jupyter-button { width: auto; padding: 0 14px; height: 32px; line-height: 30px; border-radius: 5px; font-size: 13px; font-weight: 600; box-shadow: none; }
.sh .sh-row { display: grid; grid-template-columns: 150px minmax(0, 1fr) 96px 84px 92px; gap: 16px; align-items: center; padding: 12px 18px; min-height: 66px; box-sizing: border-box;
  border-bottom: 1px solid var(--line); border-left: 4px solid transparent; overflow: visible; }
.sh .sh-row.sh-up { border-left-color: var(--good); } .sh .sh-row.sh-down { border-left-color: var(--bad); background: color-mix(in srgb, var(--jp-layout-color1, #fff) 93%, var(--bad)); }
.sh .sh-row > * { min-width: 0; } .sh .sh-row .jupyter-button { width: 92px; padding: 0; }
.sh-name { font-weight: 600; } .sh code { font-family: var(--jp-code-font-family, monospace); font-size: 12px; line-height: 1.5; background: none; color: inherit; padding: 0; overflow-wrap: anywhere; }
.sh code.asked { color: var(--soft); } .sh .sh-down code.told { color: var(--bad); }
.sh-port { display: inline-block; width: 5ch; overflow: hidden; vertical-align: bottom; }
.sh-badge { display: block; box-sizing: border-box; padding: 2px 0; border-radius: 999px; text-align: center; font-size: 12px; font-weight: 600; border: 1px solid currentColor; color: var(--soft); }
.sh-up .sh-badge, .sh-title + .up { color: var(--good); } .sh-down .sh-badge, .sh-title + .down { color: var(--bad); }
.sh-past { display: flex; gap: 3px; } .sh-past i { width: 7px; height: 22px; border-radius: 2px; background: var(--line); } .sh-past i.up { background: var(--good); } .sh-past i.down { background: var(--bad); }
.sh .sh-foot { display: flex; align-items: center; gap: 12px; padding: 12px 22px; background: var(--tint); overflow: visible; }
.sh .sh-foot .jupyter-button { background: var(--jp-layout-color0, #fff); color: var(--ink); border: 1px solid var(--jp-border-color1, #bdbdbd); }
.sh .sh-foot .widget-text { width: 230px; height: 32px; } .sh .sh-foot input { height: 32px; box-sizing: border-box; border-radius: 5px; padding-left: 9px; font-size: 13px;
  background: var(--jp-layout-color0, #fff); color: var(--ink); border-color: var(--jp-border-color1, #bdbdbd); }
</style>
"""
PAST = 9  # checks that the strip has room for


class Down(Exception):
    """The service gave no answer, or not the right one."""


class Check:
    """A question to one service.

    Attributes:
        asked: what is asked, in the service's own language.
    """

    def __init__(self, service, title, protocol, asked):
        self.service, self.title, self.protocol, self.asked = service, title, protocol, asked
        self.url = os.environ[f"WIDGETSHOT_SERVICE_{service.upper()}_URL"]
        self.past = []

    def ask(self):
        """The answer.

        Raises:
            Down: there was none; the message is the client's.
        """
        raise NotImplementedError


class Postgres(Check):
    password = ""  # another one than the service's

    def __init__(self):
        super().__init__("postgres", "PostgreSQL", "SQL", "SELECT sum(n) FROM generate_series(1, 1000) AS n")

    def ask(self):
        try:
            with psycopg.connect(self.url, **({"password": self.password} if self.password else {})) as connection:
                return str(connection.execute(self.asked).fetchone()[0])
        except psycopg.Error as error:
            raise Down(str(error)) from error


class Redis(Check):
    def __init__(self):
        super().__init__("redis", "Redis", "RESP", "PING, INCR checks")

    def ask(self):
        try:
            with redis.Redis.from_url(self.url) as client:
                return f"{'PONG' if client.ping() else 'no PONG'}, {client.incr('checks')}"
        except redis.RedisError as error:
            raise Down(str(error)) from error


class Clickhouse(Check):
    def __init__(self):
        super().__init__("clickhouse", "ClickHouse", "HTTP", "SELECT count(), max(number) FROM numbers(1000000)")

    def ask(self):
        parts = urlsplit(self.url)
        headers = {"X-ClickHouse-User": parts.username, "X-ClickHouse-Key": parts.password}
        bare = parts._replace(netloc=f"{parts.hostname}:{parts.port}").geturl()
        try:
            with urllib.request.urlopen(urllib.request.Request(bare, self.asked.encode(), headers)) as answer:
                return ", ".join(answer.read().decode().split())
        except urllib.error.HTTPError as error:
            raise Down(error.read().decode()) from error
        except OSError as error:
            raise Down(str(error)) from error


class Websocket(Check):
    def __init__(self):
        super().__init__("websocket", "WebSocket", "RFC 6455", "is anybody there?")

    def ask(self):
        try:
            # The server sends a message to all who are at the same path.
            with connect(f"{self.url}{uuid.uuid4().hex}") as client:
                client.send(self.asked)
                return f"echo: {client.recv(timeout=10)}"
        except (OSError, WebSocketException) as error:
            raise Down(str(error)) from error


class Monitor:
    """Asks all services at a click, and stops and starts the one that is the notebook's own; display ``monitor.widget``."""

    def __init__(self):
        self.postgres = Postgres()
        self.rows = [_Row(check) for check in (self.postgres, Redis(), Clickhouse(), Websocket())]
        self.title = w.HTML()
        check = w.Button(description="Check now", icon="refresh", button_style="primary", _dom_classes=("sh-check",))
        self.password = w.Password(placeholder="another password", _dom_classes=("sh-password",))
        use = w.Button(description="Connect with it", icon="key", _dom_classes=("sh-use",))
        foot = w.HBox(
            [w.HTML("PostgreSQL as user <code>widgetshot</code> with"), self.password, use], _dom_classes=("sh-foot",)
        )
        self.widget = w.VBox(
            [
                w.HTML(STYLE),
                w.HBox([self.title, check], _dom_classes=("sh-head",)),
                *(row.widget for row in self.rows),
                foot,
            ],
            _dom_classes=("sh",),
        )
        check.on_click(lambda _: self.check())
        use.on_click(lambda _: self._connect())
        for row in self.rows:
            row.switch.on_click(lambda _, row=row: self._switch(row))
        self._count("not checked yet")

    def check(self):
        """Ask every service."""
        for row in self.rows:
            row.ask()
        up = sum(row.up for row in self.rows)
        if up == len(self.rows):
            self._count("all services are up", "up")
        else:
            self._count(f"{up} of {len(self.rows)} services are up", "down")

    def _switch(self, row):
        (control.stop if row.up else control.start)(row.check.service)
        self.check()

    def _connect(self):
        self.postgres.password = self.password.value
        self.check()

    def _count(self, text, state=""):
        self.title.value = f'<div class="sh-title">Service health</div><div class="sh-soft {state}">{text}</div>'


class _Row:
    def __init__(self, check):
        self.check, self.up = check, True
        own = f"WIDGETSHOT_SERVICE_{check.service.upper()}_CONTROL" in os.environ
        name = w.HTML(f'<div class="sh-name">{check.title}</div><div class="sh-soft">{check.protocol}</div>')
        self.answer, self.past, self.badge = w.HTML(), w.HTML(), w.HTML()
        self.switch = w.Button(_dom_classes=(f"sh-switch-{check.service}",), layout={"display": "" if own else "none"})
        self.widget = w.Box([name, self.answer, self.past, self.badge, self.switch], _dom_classes=("sh-row",))
        self._show("unknown", "")

    def ask(self):
        try:
            told, self.up = self.check.ask(), True
        except Down as error:
            told, self.up = str(error), False
        self.check.past.append(self.up)
        self._show("up" if self.up else "down", told)

    def _show(self, state, told):
        for other in ("up", "down"):
            (self.widget.add_class if other == state else self.widget.remove_class)(f"sh-{other}")
        port = urlsplit(self.check.url).port
        words = re.sub(rf"\b{port}\b", f'<span class="sh-port">{port}</span>', html.escape(told.strip(), quote=False))
        self.answer.value = f'<code class="asked">{self.check.asked}</code><br><code class="told">{words or "–"}</code>'
        self.badge.value = f'<span class="sh-badge">{state}</span>'
        past = self.check.past[-PAST:]
        blocks = ["up" if up else "down" for up in past] + [""] * (PAST - len(past))
        self.past.value = '<div class="sh-past">' + "".join(f'<i class="{block}"></i>' for block in blocks) + "</div>"
        self.switch.description, self.switch.icon = ("Stop", "stop") if self.up else ("Start", "play")
        self.switch.button_style = "" if self.up else "success"
