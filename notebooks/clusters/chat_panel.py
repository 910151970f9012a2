"""A chat panel over any endpoint that speaks OpenAI's protocol.

Answers are shown as they are generated, piece by piece, and what goes wrong stands in the conversation with the server's own words.
"""

import html

import ipywidgets as w
import openai

STYLE = """
<style>
.ch { --line: var(--jp-border-color2, #e0e0e0); --soft: var(--jp-content-font-color2, #616161); --ink: var(--jp-content-font-color1, #212121);
  --go: var(--jp-brand-color1, #1976d2); --good: var(--jp-success-color1, #388e3c); --bad: var(--jp-error-color1, #d32f2f);
  --tint: color-mix(in srgb, var(--jp-layout-color1, #fff) 94%, var(--jp-ui-font-color0, #000));
  width: 100%; box-sizing: border-box; border: 1px solid var(--line); border-radius: 10px; overflow: hidden; color: var(--ink);
  background: var(--jp-layout-color1, #fff); font-family: var(--jp-ui-font-family, system-ui, sans-serif); }
.ch .jupyter-widgets { margin: 0; }
.ch .widget-html, .ch .widget-html-content { height: auto; line-height: 1.45; font-size: 13px; color: inherit; }
.ch .ch-head { display: flex; align-items: center; gap: 8px; padding: 14px 18px; border-bottom: 1px solid var(--line); overflow: visible; }
.ch .ch-head > .widget-html { flex: 1; }
.ch .ch-foot { display: flex; gap: 8px; padding: 12px 18px; border-top: 1px solid var(--line); background: var(--tint); overflow: visible; }
.ch .ch-foot .widget-text { flex: 1; width: auto; height: 32px; } .ch .ch-foot input { height: 32px; font-size: 13px; border-radius: 5px; padding: 0 10px; }
.ch .widget-dropdown, .ch .widget-dropdown select { height: 32px; font-size: 13px; } .ch .widget-dropdown { width: 170px; } .ch select { border-radius: 5px; }
.ch .jupyter-button { width: auto; padding: 0 12px; height: 32px; line-height: 30px; border-radius: 5px; font-weight: 600; }
.ch-title { font-size: 16px; font-weight: 600; line-height: 1.25; } .ch-soft { font-size: 12px; color: var(--soft); }
.ch-badge { margin-left: 8px; padding: 1px 10px; border-radius: 999px; font-size: 12px; font-weight: 600; border: 1px solid currentColor; vertical-align: 1px; }
.ch-up { color: var(--good); } .ch-down { color: var(--bad); }
.ch-talk { display: flex; flex-direction: column; gap: 10px; min-height: 120px; padding: 18px; }
.ch-talk p { margin: 0; max-width: 68%; padding: 8px 14px; border-radius: 14px; font-size: 14px; line-height: 1.45; }
.ch-talk small { display: block; font-size: 11px; line-height: 1.5; color: var(--soft); }
.ch-user { align-self: flex-end; border-bottom-right-radius: 4px !important; background: var(--go); color: #fff; }
.ch-assistant { align-self: flex-start; border-bottom-left-radius: 4px !important; background: var(--tint); border: 1px solid var(--line); }
.ch-error { align-self: flex-start; border-bottom-left-radius: 4px !important; border: 1px solid var(--bad); color: var(--bad);
  background: color-mix(in srgb, var(--jp-layout-color1, #fff) 92%, var(--jp-error-color1, #d32f2f)); }
.ch-none { margin: auto; color: var(--soft); font-size: 13px; }
</style>
"""


class ChatPanel:
    """Asks a model; display ``panel.widget``.

    Args:
        client: where the endpoint is.
        models: names to choose from.
        stop, start: end and start the server behind it.
    """

    def __init__(self, client, models, stop, start):
        self.client, self._stop, self._start = client, stop, start
        self.messages = []  # what the model is told: the conversation without what failed
        self.shown = []  # (who, text, remark)
        self.up = True
        self.title, self.talk = w.HTML(), w.HTML()
        self.model = w.Dropdown(options=models, _dom_classes=("ch-model",))
        self.power = w.Button(_dom_classes=("ch-power",))
        self.power.on_click(lambda _: self._switch())
        self.text = w.Text(placeholder="Ask something", continuous_update=True)
        self.send = w.Button(description="Send", icon="paper-plane", button_style="primary", _dom_classes=("ch-send",))
        self.send.on_click(lambda _: self.ask(self.text.value))
        head = w.Box([self.title, self.model, self.power], _dom_classes=("ch-head",))
        foot = w.Box([self.text, self.send], _dom_classes=("ch-foot",))
        self.widget = w.VBox([w.HTML(STYLE), head, self.talk, foot], _dom_classes=("ch",))
        self._draw()

    def ask(self, question):
        """Say something, and show the answer while it is generated.

        Returns:
            The pieces of the answer; none where it failed.
        """
        self.text.value = ""
        before = [*self.messages, {"role": "user", "content": question}]
        self.shown += [("user", question, ""), ("assistant", "", "")]
        pieces = []
        try:
            with self.client.chat.completions.create(
                model=self.model.value, messages=before, temperature=0, stream=True
            ) as stream:
                for chunk in stream:
                    pieces += [choice.delta.content for choice in chunk.choices if choice.delta.content]
                    self.shown[-1] = ("assistant", "".join(pieces), "")
                    self._draw()
        except openai.APIStatusError as error:
            self.shown[-1] = ("error", error.body["detail"], f"{type(error).__name__}, HTTP {error.status_code}")
        except openai.APIConnectionError as error:
            self.shown[-1] = ("error", str(error.__cause__), type(error).__name__)
        else:
            answer = "".join(pieces)
            self.shown[-1] = ("assistant", answer, f"{len(pieces)} pieces")
            self.messages = [*before, {"role": "assistant", "content": answer}]
        self._draw()
        return pieces

    def _switch(self):
        self.power.disabled = True
        (self._stop if self.up else self._start)()
        self.up = not self.up
        self.power.disabled = False
        self._draw()

    def _draw(self):
        kind, badge = ("up", "up") if self.up else ("down", "stopped")
        self.title.value = (
            f'<div class="ch-title">Chat<span class="ch-badge ch-{kind}">{badge}</span></div>'
            '<div class="ch-soft">a model that was trained when this service started</div>'
        )
        self.power.description, self.power.icon = ("Stop", "power-off") if self.up else ("Start", "play")
        self.power.button_style = "danger" if self.up else "success"
        said = "".join(
            f'<p class="ch-{who}">{html.escape(text)}' + (f"<small>{html.escape(remark)}</small>" if remark else "") + "</p>"
            for who, text, remark in self.shown
        )
        self.talk.value = f'<div class="ch-talk">{said or "<div class=ch-none>Nothing has been said so far.</div>"}</div>'
