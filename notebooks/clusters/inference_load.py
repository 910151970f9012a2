"""A dashboard of the load on an inference server.

Every request that is shown was really sent to a server that runs beside this notebook, and its answer was compared with the
recording's. How long a request takes differs from run to run, so the latencies are those of the recording, which were
measured in the same way (see inference_server.py); what this run measured stands in a line of its own.
"""

import html
import json
import math
from pathlib import Path

import ipywidgets as w
from inference_server import STEADY, Server

STYLE = """
<style>
.il { --line: var(--jp-border-color2, #e0e0e0); --soft: var(--jp-content-font-color2, #616161); --ink: var(--jp-content-font-color1, #212121);
  --go: var(--jp-brand-color1, #1976d2); --good: var(--jp-success-color1, #388e3c); --bad: var(--jp-error-color1, #d32f2f); --late: var(--jp-warn-color1, #f57c00);
  --tint: color-mix(in srgb, var(--jp-layout-color1, #fff) 95%, var(--jp-ui-font-color0, #000));
  width: 100%; box-sizing: border-box; border: 1px solid var(--line); border-radius: 10px; overflow: hidden; color: var(--ink);
  background: var(--jp-layout-color1, #fff); font-family: var(--jp-ui-font-family, system-ui, sans-serif); }
.il .jupyter-widgets { margin: 0; }
.il .widget-html, .il .widget-html-content { height: auto; line-height: 1.4; font-size: 13px; color: inherit; }
.il .il-head { display: flex; align-items: center; gap: 8px; padding: 14px 18px; border-bottom: 1px solid var(--line); overflow: visible; }
.il .il-head > .widget-html { flex: 1; }
.il-title { font-size: 16px; font-weight: 600; line-height: 1.25; } .il-soft { font-size: 12px; color: var(--soft); }
.il-badge { margin-left: 8px; padding: 1px 10px; border-radius: 999px; font-size: 12px; font-weight: 600; border: 1px solid currentColor; vertical-align: 1px; }
.il .jupyter-button { width: auto; padding: 0 12px; height: 32px; line-height: 30px; border-radius: 5px; font-weight: 600; }
.il-tiles { display: grid; grid-template-columns: repeat(6, 1fr); border-bottom: 1px solid var(--line); }
.il-tiles div { padding: 10px 18px; border-left: 1px solid var(--line); } .il-tiles div:first-child { border-left: none; }
.il-tiles b { display: block; font-size: 22px; line-height: 1.2; font-variant-numeric: tabular-nums; white-space: nowrap; }
.il-tiles small { font-size: 13px; font-weight: 400; color: var(--soft); } .il-tiles span { font-size: 12px; color: var(--soft); }
.il-good { color: var(--good); } .il-bad { color: var(--bad); } .il-none { color: var(--soft); }
.il .il-progress { padding: 14px 18px 0; overflow: visible; }
.il .widget-hprogress { width: 100%; height: 8px; } .il .widget-hprogress .progress { position: static; width: 100%; margin: 0; height: 8px; border-radius: 4px; overflow: hidden; }
.il-chart { display: block; margin: 10px 18px 6px; width: 890px; height: 220px; }
.il-chart text { font-size: 11px; fill: var(--soft); font-family: inherit; }
.il-chart .grid { stroke: var(--line); } .il-chart .ok { fill: var(--go); } .il-chart .refused { stroke: var(--bad); stroke-width: 2; }
.il-chart .p { stroke: var(--late); stroke-dasharray: 4 3; } .il-chart text.p { stroke: none; fill: var(--late); font-weight: 600; }
.il-foot { display: flex; gap: 24px; border-top: 1px solid var(--line); padding: 9px 18px; background: var(--tint); font-size: 12px; color: var(--soft); }
.il-foot > span:first-child { flex: 1; white-space: nowrap; }
.il-live { width: 290px; height: 17px; line-height: 17px; text-align: right; overflow: hidden; white-space: nowrap; font-variant-numeric: tabular-nums; }
</style>
"""
PERCENTILES = (50, 95, 99)


def percentile(values, share):
    """The nearest-rank percentile; None of nothing."""
    ranked = sorted(values)
    return ranked[math.ceil(share / 100 * len(ranked)) - 1] if ranked else None


class Differs(AssertionError):
    """The server answered otherwise than when the recording was made."""


class LoadDashboard:
    """Puts a recorded load on a real server; display ``dashboard.widget``."""

    def __init__(self, recording):
        content = json.loads(Path(recording).read_text(encoding="utf-8"))
        self.about, self.requests = content["about"], content["requests"]
        self.server = Server()
        self.shown, self.refused, self.live = [], [], []
        self.state = "up"
        self.half = self._button(f"Send {STEADY // 2}", "paper-plane", "send", self._send, "primary")
        self.burst = self._button("Reload under load", "refresh", "burst", self._burst)
        self.stop = self._button("Stop the server", "power-off", "stop", self._stop, "danger")
        self.title, self.body = w.HTML(), w.HTML()
        self.bar = w.IntProgress(max=len(self.requests), layout=w.Layout(width="100%"))
        head = w.HBox([self.title, self.half, self.burst, self.stop], _dom_classes=("il-head",))
        progress = w.Box([self.bar], _dom_classes=("il-progress",))
        self.tiles = w.HTML()
        self.widget = w.VBox([w.HTML(STYLE), head, self.tiles, progress, self.body], _dom_classes=("il",))
        self._draw()

    def _button(self, text, icon, name, action, style=""):
        made = w.Button(description=text, icon=icon, button_style=style, _dom_classes=(f"il-{name}",))
        made.on_click(lambda _: action())
        return made

    def close(self):
        """End the server."""
        self.server.stop()

    # What is done to the server --------------------------------------------------------------------------------

    def _send(self):
        """Send the next half of the steady load; once all is sent, the first half again."""
        first = len(self.shown) % STEADY if self.state == "up" else 0
        part = self.requests[first : first + STEADY // 2]
        if self.state == "up":
            self._check(part, self.server.steady(part))
            self.half.disabled = len(self.shown) >= STEADY
        else:
            for request in part[:12]:
                try:
                    self.server.timed(request)
                except ConnectionRefusedError as error:
                    self.refused.append(type(error).__name__)
            self.state = "refused"
        self._draw()

    def _burst(self):
        self.burst.disabled = True
        part = self.requests[STEADY:]
        self._check(part, self.server.burst(part))
        self._draw()

    def _stop(self):
        self.server.stop()
        self.state = "stopped"
        self.stop.disabled, self.burst.disabled, self.half.disabled = True, True, False
        self.half.description = "Send 12"
        self._draw()

    def _check(self, recorded, answers):
        """Take over what is recorded of these requests, once the server has answered the same.

        Raises:
            Differs: it has not.
        """
        for request, answer in zip(recorded, answers, strict=True):
            for what in ("status", "text"):
                if answer[what] != request[what]:
                    raise Differs(f"{request['prompt']!r}: {what} {answer[what]!r}, recorded was {request[what]!r}")
        self.shown += recorded
        self.live += [answer["answered"] - answer["sent"] for answer in answers if answer["status"] == 200]

    # What is seen of it ----------------------------------------------------------------------------------------

    def _draw(self):
        answered = [one for one in self.shown if one["status"] == 200]
        full = len(self.shown) - len(answered)
        latencies = [one["answered"] - one["sent"] for one in answered]
        seconds = max((one["answered"] for one in self.shown), default=0) / 1000
        failed, sent = full + len(self.refused), len(self.shown) + len(self.refused)
        badge = {
            "up": ("il-bad", "queue full: 503") if full else ("il-good", "up"),
            "stopped": ("il-bad", "stopped"),
            "refused": ("il-bad", "connection refused"),
        }[self.state]
        self.title.value = (
            f'<div class="il-title">Inference load<span class="il-badge {badge[0]}">{badge[1]}</span></div>'
            '<div class="il-soft">beam search over the Zen of Python, two at a time, six may wait</div>'
        )
        tiles = [(f"p{share}", _ms(percentile(latencies, share)), "") for share in PERCENTILES]
        tiles += [("requests/s", f"{len(self.shown) / seconds:.0f}" if seconds else _NONE, "")]
        tiles += [("errors", f"{failed / sent:.1%}" if sent else _NONE, "il-bad" if failed else "")]
        tiles += [("as recorded", str(len(self.shown)), "il-good" if self.shown else "il-none")]
        self.tiles.value = (
            '<div class="il-tiles">'
            + "".join(f'<div><b class="{kind}">{value}</b><span>{name}</span></div>' for name, value, kind in tiles)
            + "</div>"
        )
        self.bar.value = len(self.shown)
        self.bar.bar_style = "danger" if self.state != "up" else "warning" if full else ""
        live = ", ".join(f"p{share} {percentile(self.live, share):.1f} ms" for share in PERCENTILES) if self.live else ""
        about = f"Latencies recorded {self.about['when']} ({self.about['where']}), answers computed now"
        self.body.value = (
            self._chart(latencies) + f'<div class="il-foot"><span>{html.escape(about)}</span>'
            f'<span class="il-live">{"this run: " + live if live else ""}</span></div>'
        )

    def _chart(self, latencies):
        """Latency by request on a logarithmic axis; what got no answer as a cross above it."""
        width, height, left, top = 890, 220, 52, 26
        least, most = 5, 200  # ms
        count = len(self.requests) + 12

        def x(n):
            return left + (width - left - 46) * (n + 0.5) / count

        def y(ms):
            part = math.log(max(ms, least) / least) / math.log(most / least)
            return top + (height - top - 18) * (1 - min(part, 1))

        parts = []
        for ms in (5, 10, 20, 50, 100, 200):
            parts.append(f'<line class="grid" x1="{left}" x2="{width - 46}" y1="{y(ms):.1f}" y2="{y(ms):.1f}"/>')
            parts.append(f'<text x="{left - 8}" y="{y(ms) + 4:.1f}" text-anchor="end">{ms} ms</text>')
        parts.append(f'<text x="{left}" y="{height - 2}">requests in the order of the schedule</text>')
        for n, one in enumerate(self.shown):
            if one["status"] == 200:
                parts.append(f'<circle class="ok" cx="{x(n):.1f}" cy="{y(one["answered"] - one["sent"]):.1f}" r="2.6"/>')
            else:
                parts.append(_cross(x(n)))
        parts += [_cross(x(len(self.requests) + n)) for n in range(len(self.refused))]
        label = height  # of the one before: they must not lie on each other
        for share in PERCENTILES if latencies else ():
            at = y(percentile(latencies, share))
            label = min(at + 4, label - 12)
            parts.append(f'<line class="p" x1="{left}" x2="{width - 46}" y1="{at:.1f}" y2="{at:.1f}"/>')
            parts.append(f'<text class="p" x="{width - 40}" y="{label:.1f}">p{share}</text>')
        return f'<svg class="il-chart" viewBox="0 0 {width} {height}">{"".join(parts)}</svg>'


_NONE = '<span class="il-none">&ndash;</span>'


def _ms(value):
    return _NONE if value is None else f"{value:.1f} <small>ms</small>"


def _cross(x):
    return f'<path class="refused" d="M{x - 2.5:.1f} 9.5l5 5m0-5l-5 5"/>'
