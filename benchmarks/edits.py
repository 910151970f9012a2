"""The edits of the sensitivity benchmark: what is changed in which notebook, and which shot must show it.

A *base* is a copy of one of the project's own notebooks, reduced to the cells that are looked at. An *edit* is a copy
of a base with exactly one change. A *control* is a copy with a change that nobody can see.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Swap:
    """A replacement in the source of one cell; `old` must stand there exactly `times` times."""

    cell: str
    old: str
    new: str
    times: int = 1


@dataclass(frozen=True)
class Base:
    """A reduced copy of a notebook.

    Attributes:
        notebook: the notebook's name in notebooks/.
        cells: ids of the cells that are kept -> their options instead of the notebook's own ("" for none).
        prepare: what is changed in the base itself, so that there is something to edit.
    """

    name: str
    notebook: str
    cells: Mapping[str, str]
    prepare: tuple[Swap, ...] = ()


@dataclass(frozen=True)
class Edit:
    """One change.

    Attributes:
        name: the change, as a designer would say it.
        base: name of the base it is made to.
        shot: the shot it must be seen in.
        css: rules that are put into the style cell, each declaration made `!important`, or
        swap: what is replaced in a cell's source.
    """

    name: str
    base: str
    shot: str
    css: str = ""
    swap: Swap | None = field(default=None, kw_only=True)

    @property
    def slug(self) -> str:
        """The name of the edited notebook's file."""
        return re.sub(r"[^a-z0-9]+", "-", f"{self.base} {self.name}".lower()).strip("-")


# A small panel as one finds it in dashboards. Its greys are the ones that designers use for borders and fills, and
# that a threshold overlooks.
_PANEL = '''PANEL = """
<style>
.oc { width: 600px; margin: 8px; padding: 12px; box-sizing: border-box; color: #333; background: #fff;
  font: 14px/20px "Noto Sans"; border: 1px solid #ccc; border-radius: 2px; box-shadow: 0 1px 3px rgba(0, 0, 0, .25); }
.oc > div { margin-bottom: 8px; }
.oc-head { padding: 6px 8px; background: #f5f5f5; font-weight: 700; }
.oc-note { padding: 6px 8px; border: 1px solid #ccc; }
.oc-well { padding: 8px; background: #e6e6e6; }
.oc-slot { display: inline-block; padding: 4px 10px; border: 1px solid #ccc; }
.oc-tags { display: flex; gap: 4px; }
.oc-tags span { padding: 2px 8px; background: #d6e4f5; border-radius: 2px; }
.oc-people { position: relative; height: 32px; }
.oc-people b { position: absolute; width: 32px; height: 32px; border-radius: 50%; background: #5c6bc0; }
.oc-people b + b { left: 20px; background: #ffb300; }
.oc-list { width: 260px; height: 44px; overflow: auto; border-left: 3px solid #5c6bc0; }
.oc-list p, .oc-text { margin: 0; padding: 0 8px; line-height: 22px; }
.oc-route svg { width: 64px; height: 16px; }
.oc-total { text-align: right; }
</style>
<div class="oc">
  <div class="oc-head">Order 1042</div>
  <div class="oc-text">Packed this morning and ready for the courier.</div>
  <div class="oc-note">Leave it at the door, please.</div>
  <div class="oc-well"><span class="oc-slot">9 to 12</span> <span class="oc-slot">14 to 17</span></div>
  <div class="oc-tags"><span>fragile</span><span>gift</span><span>paid</span></div>
  <div class="oc-people"><b></b><b></b></div>
  <div class="oc-list"><p>2 cups, blue</p><p>1 teapot</p></div>
  <div class="oc-route"><svg viewBox="0 0 64 16">
    <path d="M1 8h60M54 2l7 6-7 6" fill="none" stroke="#333" stroke-width="2"/></svg></div>
  <div class="oc-total">Total 12.5</div>
</div>
"""
'''

BASES = (
    Base("buttons", "controls", {"setup": "", "buttons": "shot: buttons"}),
    Base(
        "states",
        "controls",
        {
            "setup": "",
            "states": """
                shot:
                  - name: hovered
                    steps:
                      - hover: ".ws-reset"
                  - name: focused
                    steps:
                      - hover: ".ws-area"
                      - press: {selector: ".ws-radius .widget-readout", key: "Tab"}
            """,
        },
    ),
    Base("sliders", "controls", {"setup": "", "sliders": "shot: sliders"}),
    Base("progress", "controls", {"setup": "", "progress": "shot: progress"}),
    Base("booleans", "controls", {"setup": "", "booleans": "shot: booleans"}),
    Base("selections", "controls", {"setup": "", "selections": "shot: selections"}),
    Base("strings", "controls", {"setup": "", "strings": "shot: strings"}),
    Base("tags", "controls", {"setup": "", "tags": "shot: tags"}),
    Base("media", "controls", {"setup": "", "media": "shot: media"}),
    Base(
        "boxes",
        "layouts",
        {
            "setup": "",
            "boxes": """
                shot:
                  - name: boxes
                  - name: tabbed
                    steps:
                      - press: {selector: 'button[title="left"]', key: "Tab"}
            """,
        },
    ),
    Base("tab", "layouts", {"setup": "", "tab": "shot: tab"}),
    Base("dark", "layouts", {"setup": "", "tab": "shot: tab\ntheme: dark"}),
    Base(
        "cards",
        "layouts",
        {"setup": "", "responsive": "shot: cards\nviewport: {name: phone, width: 375, height: 700}"},
    ),
    Base("rich", "rich_outputs", {"table": "shot: table", "html": "shot: html", "markdown": "shot: markdown"}),
    Base(
        "cluster",
        "clustrix_panel",
        {
            "panel": """
                shot:
                  - name: default
                  - name: problem
                    steps:
                      - fill: {selector: ".cx-cores input", text: "many"}
                      - click: ".cx-apply"
                      - wait: "1 problem"
            """
        },
    ),
    Base("jobs", "jobs_dashboard", {"dashboard": "shot: jobs"}),
    Base(
        "order",
        "plain",
        {"greeting": "shot: order"},
        (
            Swap("greeting", "import ipywidgets as widgets\n", f"import ipywidgets as widgets\n\n{_PANEL}"),
            Swap("greeting", "[name, greeting]", "[name, greeting, widgets.HTML(PANEL)]"),
        ),
    ),
    Base("lines", "bqplot_chart", {"setup": "", "lines": "shot: lines"}),
    Base("bars", "bqplot_chart", {"setup": "", "bars": "shot: bars"}),
    Base("scatter", "bqplot_chart", {"setup": "", "scatter": "shot: scatter"}),
    Base("plots", "matplotlib_plots", {"setup": "", "png": "shot: plots"}),
    Base(
        "canvas",
        "ipycanvas_drawing",
        {"canvas": 'shot: canvas\nsteps:\n  - wait: "27 triangles"'},
        # The notebook fills its triangles; outlined ones have a line whose width can be edited.
        (
            Swap(
                "canvas",
                "            canvas.fill_polygon(list(corners))\n",
                "            canvas.fill_polygon(list(corners))\n"
                '            canvas.stroke_style, canvas.line_width = "#333", 1\n'
                "            canvas.stroke_polygon(list(corners))\n",
            ),
        ),
    ),
    Base("grid", "datagrid", {"grid": "shot: grid"}),
)

_DANGER = "[data-cell-id=buttons] .widget-hbox:nth-child(1) > :nth-child(6)"
_SUCCESS = "[data-cell-id=buttons] .widget-hbox:nth-child(1) > :nth-child(3)"
_PRIMARY = "[data-cell-id=buttons] .widget-hbox:nth-child(1) > :nth-child(2)"
_DEFAULT = "[data-cell-id=buttons] .widget-hbox:nth-child(1) > :nth-child(1)"
_SAVE = "[data-cell-id=buttons] .widget-hbox:nth-child(2) > :nth-child(3)"


def _grey(start: int, step: int) -> str:
    return f"#{start - step:02x}" + f"{start - step:02x}" * 2


EDITS = (
    # -- buttons: place, shape, type, words ----------------------------------------------------------------------
    Edit("a button 1 px to the right", "buttons", "buttons", f"{_SUCCESS} {{ position: relative; left: 1px }}"),
    Edit("a button 1 px lower", "buttons", "buttons", f"{_SUCCESS} {{ position: relative; top: 1px }}"),
    Edit("a margin 1 px wider, neighbours move", "buttons", "buttons", f"{_SUCCESS} {{ margin-left: 3px }}"),
    Edit("primary colour 3 steps greener", "buttons", "buttons", f"{_PRIMARY} {{ background-color: #1979d2 }}"),
    Edit("primary colour 3 steps bluer", "buttons", "buttons", f"{_PRIMARY} {{ background-color: #1976d5 }}"),
    Edit("primary colour turned by 5 degrees", "buttons", "buttons", f"{_PRIMARY} {{ filter: hue-rotate(5deg) }}"),
    Edit("grey button 5 steps darker", "buttons", "buttons", f"{_DEFAULT} {{ background-color: #e9e9e9 }}"),
    Edit("corners rounded by 2 px", "buttons", "buttons", f"{_SUCCESS} {{ border-radius: 2px }}"),
    Edit("opacity .9", "buttons", "buttons", f"{_DANGER} {{ opacity: .9 }}"),
    Edit("opacity .98", "buttons", "buttons", f"{_DANGER} {{ opacity: .98 }}"),
    Edit("label 1 px bigger", "buttons", "buttons", f"{_SUCCESS} {{ font-size: 14px }}"),
    Edit("label bold (400 to 600)", "buttons", "buttons", f"{_SUCCESS} {{ font-weight: 600 }}"),
    Edit("letters .2 px further apart", "buttons", "buttons", f"{_SUCCESS} {{ letter-spacing: .2px }}"),
    Edit("label in another font", "buttons", "buttons", f'{_SUCCESS} {{ font-family: "DejaVu Sans" }}'),
    Edit("label in capitals", "buttons", "buttons", f"{_SUCCESS} {{ text-transform: uppercase }}"),
    Edit("label italic", "buttons", "buttons", f"{_SUCCESS} {{ font-style: italic }}"),
    Edit("label underlined", "buttons", "buttons", f"{_SUCCESS} {{ text-decoration: underline }}"),
    Edit("label at the left", "buttons", "buttons", f"{_SUCCESS} {{ text-align: left }}"),
    Edit("label cut off", "buttons", "buttons", f"{_SAVE} {{ width: 70px; margin-right: 82px }}"),
    Edit("icon 1 px closer to its label", "buttons", "buttons", f"{_SAVE} i {{ margin-right: 3px }}"),
    Edit("icon missing", "buttons", "buttons", swap=Swap("buttons", '"save"', '""')),
    Edit("another icon", "buttons", "buttons", swap=Swap("buttons", '"save"', '"download"')),
    Edit("one letter changed", "buttons", "buttons", swap=Swap("buttons", "own style", "own stile")),
    Edit("one letter's case", "buttons", "buttons", swap=Swap("buttons", "own style", "own Style")),
    Edit("label missing", "buttons", "buttons", swap=Swap("buttons", '"own style"', '""')),
    Edit(
        "button no longer disabled", "buttons", "buttons", swap=Swap("buttons", ", disabled=True", ", disabled=False")
    ),
    Edit(
        "a blank widget",
        "buttons",
        "buttons",
        swap=Swap("buttons", "disabled=True", 'disabled=True, layout=widgets.Layout(visibility="hidden")'),
    ),
    Edit(
        "two buttons swapped",
        "buttons",
        "buttons",
        swap=Swap("buttons", '"warning", "danger"]', '"danger", "warning"]'),
    ),
    # -- states that a pointer or a key brings about -------------------------------------------------------------
    Edit("no shadow under the pointer", "states", "hovered", ".ws-reset:hover:enabled { box-shadow: none }"),
    Edit("no focus ring", "states", "focused", ".ws-reset:focus:enabled { outline: none }"),
    Edit(
        "a number with one digit less",
        "states",
        "hovered",
        swap=Swap("states", ":.2f}", ":.1f}"),
    ),
    # The button between the two is left out by the Tab key, so the ring stands on the one after it.
    Edit(
        "tab order: the ring stands elsewhere",
        "boxes",
        "tabbed",
        swap=Swap(
            "boxes",
            "widgets.VBox([row,",
            "spread.children[1].tabbable = False\nwidgets.VBox([row,",
        ),
    ),
    # -- values ----------------------------------------------------------------------------------------------------
    Edit("slider 3 to 4", "sliders", "sliders", swap=Swap("sliders", "value=3, max=5", "value=4, max=5")),
    Edit("a handle 1 px lower", "sliders", "sliders", ".widget-hslider:nth-child(1) .noUi-handle { margin-top: 1px }"),
    Edit("61.8% to 61.80%", "sliders", "sliders", swap=Swap("sliders", '".1%"', '".2%"')),
    Edit(
        "slider's readout missing",
        "sliders",
        "sliders",
        swap=Swap("sliders", 'description="LogSlider"', 'readout=False, description="LogSlider"'),
    ),
    Edit("progress .33 to .34", "progress", "progress", swap=Swap("progress", "value=0.33", "value=0.34")),
    Edit(
        "progress 40 to 39",
        "progress",
        "progress",
        swap=Swap("progress", "value=20 * (k + 1)", "value=20 * (k + 1) - (k == 1)"),
    ),
    Edit("bar's colour 5 steps bluer", "progress", "progress", swap=Swap("progress", '"#8e44ad"', '"#8e44b2"')),
    Edit(
        "a box checked",
        "booleans",
        "booleans",
        swap=Swap("booleans", 'value=False, description="Checkbox', 'value=True, description="Checkbox'),
    ),
    Edit(
        "a toggle released",
        "booleans",
        "booleans",
        swap=Swap("booleans", 'value=True, description="ToggleButton', 'value=False, description="ToggleButton'),
    ),
    Edit("shadow of a pressed toggle gone", "booleans", "booleans", ".widget-toggle-button { box-shadow: none }"),
    Edit(
        "another choice in a dropdown",
        "selections",
        "selections",
        swap=Swap("selections", 'value="banana"', 'value="apple"'),
    ),
    Edit("a dropdown's arrow gone", "selections", "selections", ".widget-dropdown select { background-image: none }"),
    Edit("another radio button", "selections", "selections", swap=Swap("selections", 'value="M"', 'value="S"')),
    Edit("placeholder's words", "strings", "strings", swap=Swap("strings", '"a placeholder"', '"some placeholder"')),
    Edit("placeholder's grey 10 steps lighter", "strings", "strings", "input::placeholder { color: #7f7f7f }"),
    Edit("emphasis not italic", "strings", "strings", ".widget-html em { font-style: normal }"),
    Edit(
        "a field's border 10 steps lighter",
        "strings",
        "strings",
        ".widget-text:nth-child(1) input { border-color: #c7c7c7 }",
    ),
    Edit("formula's sign", "strings", "strings", swap=Swap("strings", r"\\pi} = -1", r"\\pi} = +1")),
    Edit("1.50 to 1.5", "tags", "tags", swap=Swap("tags", 'format=".2f"', 'format=".1f"')),
    Edit("a tag missing", "tags", "tags", swap=Swap("tags", '"ready", "reviewed"', '"ready"')),
    # -- pictures --------------------------------------------------------------------------------------------------
    Edit("a picture missing", "media", "media", ".widget-image:nth-child(2) { visibility: hidden }"),
    Edit(
        "a picture 1 px smaller", "media", "media", swap=Swap("media", "width=160, height=96", "width=159, height=96")
    ),
    Edit("an icon mirrored", "media", "media", ".widget-play .fa-play { transform: scaleX(-1) }"),
    Edit(
        "a swatch 3 steps greener",
        "media",
        "media",
        swap=Swap("media", 'ColorPicker(value="#f37726"', 'ColorPicker(value="#f37a26"'),
    ),
    # -- layouts ---------------------------------------------------------------------------------------------------
    Edit("two widgets reordered", "boxes", "boxes", swap=Swap("boxes", '"left", "middle"', '"middle", "left"')),
    Edit("a grey border gone", "boxes", "boxes", swap=Swap("boxes", "1px solid gray", "1px solid transparent")),
    Edit("padding 1 px wider", "boxes", "boxes", swap=Swap("boxes", 'padding="4px"', 'padding="5px"')),
    Edit("space between to space around", "boxes", "boxes", swap=Swap("boxes", "space-between", "space-around")),
    Edit(
        "a widget missing",
        "boxes",
        "boxes",
        swap=Swap(
            "boxes",
            'tile(f"column {k}", "success") for k in (1, 2, 3)',
            'tile(f"column {k}", "success") for k in (1, 2)',
        ),
    ),
    Edit("another tab selected", "tab", "tab", swap=Swap("tab", "titles=(", "selected_index=1, titles=(")),
    Edit("a tab's title", "tab", "tab", swap=Swap("tab", '"Third"', '"Thirds"')),
    Edit("selected tab's mark gone", "tab", "tab", ".lm-TabBar-tab.lm-mod-current::before { background: none }"),
    Edit(
        "a narrow screen breaks elsewhere",
        "cards",
        "cards[phone]",
        swap=Swap("responsive", "minmax(140px", "minmax(180px"),
    ),
    # -- the dark theme lacks a variable, so the light one's value (or none) is used -------------------------------
    Edit(
        "dark: text colour missing", "dark", "tab[dark]", ":root, body.widgetshot-page { --jp-ui-font-color1: initial }"
    ),
    Edit(
        "dark: border colour missing",
        "dark",
        "tab[dark]",
        ":root, body.widgetshot-page { --jp-border-color1: initial }",
    ),
    Edit("dark: a panel's ground missing", "dark", "tab[dark]", ":root { --jp-layout-color1: initial }"),
    # -- text and tables -------------------------------------------------------------------------------------------
    Edit(
        "a row inserted at the top",
        "rich",
        "table",
        swap=Swap(
            "table", 'freq="D"),\n    }\n)', 'freq="D"),\n    }\n).pipe(lambda rows: pd.concat([rows.tail(1), rows]))'
        ),
    ),
    Edit("a row removed", "rich", "table", swap=Swap("table", 'freq="D"),\n    }\n)', 'freq="D"),\n    }\n).drop(2)')),
    Edit("a column at the left", "rich", "table", "table.dataframe td:nth-child(3) { text-align: left }"),
    Edit("20.251 to 20.25", "rich", "table", swap=Swap("table", ".round(3)", ".round(2)")),
    Edit(
        "stripes of a table gone",
        "rich",
        "table",
        ".jp-RenderedHTMLCommon table.dataframe tr { background: none }",
    ),
    Edit("a link's colour", "rich", "html", "[data-cell-id=html] a { color: #1565c0 }"),
    Edit("a link underlined", "rich", "html", "[data-cell-id=html] a { text-decoration: underline }"),
    Edit("details closed", "rich", "html", swap=Swap("html", "<details open>", "<details>")),
    Edit("bar of a quotation gone", "rich", "markdown", "blockquote { border-left-color: transparent }"),
    Edit("line height 1 px more", "rich", "markdown", "[data-cell-id=markdown] ol { line-height: 21px }"),
    Edit(
        "ground of inline code gone",
        "rich",
        "markdown",
        "[data-cell-id=markdown] p code { background: none }",
    ),
    # -- a panel of fields -----------------------------------------------------------------------------------------
    Edit(
        "a card's border gone",
        "cluster",
        "default",
        ".cx .cx-col:nth-child(1) > .cx-card:nth-child(2) { border-color: transparent }",
    ),
    Edit("a pill's corners", "cluster", "default", ".cx-badge { border-radius: 12px 4px 12px 12px }"),
    Edit("a heading 1 px bigger", "cluster", "default", ".cx-title { font-size: 17px; line-height: 20px }"),
    Edit("page's ground 3 steps darker", "cluster", "default", ".cx { --cx-page: #efefef }"),
    Edit("a hint 5 steps darker", "cluster", "default", ".cx-sub { color: #5c5c5c }"),
    Edit("code not monospaced", "cluster", "default", ".cx .cx-active pre.cx-yaml { font-family: 'Noto Sans' }"),
    Edit(
        "red ring of a wrong field gone",
        "cluster",
        "problem",
        ".cx .cx-bad input { box-shadow: none; border-color: #bdbdbd }",
    ),
    Edit("one comma of a sentence", "jobs", "jobs", swap=Swap("dashboard", '"200,000 seeded', '"200.000 seeded')),
    Edit("a rule between rows gone", "jobs", "jobs", ".jd .jd-row:nth-child(6) { border-bottom-color: transparent }"),
    Edit("a track 1 px thinner", "jobs", "jobs", ".jd .jd-row:nth-child(6) .progress { height: 7px }"),
    # -- greys on greys, boxes on boxes ----------------------------------------------------------------------------
    Edit("border #ccc on #fff gone", "order", "order", ".oc-note { border-color: transparent }"),
    Edit("border #ccc on #e6e6e6 gone", "order", "order", ".oc-slot:first-child { border-color: transparent }"),
    *(
        Edit(f"fill {step} steps darker", "order", "order", f".oc-head {{ background: {_grey(0xF5, step)} }}")
        for step in (3, 5, 10, 20)
    ),
    *(
        Edit(f"text {step} steps lighter", "order", "order", f".oc-text {{ color: {_grey(0x33, -step)} }}")
        for step in (3, 5, 10, 20)
    ),
    Edit("box shadow gone", "order", "order", ".oc { box-shadow: none }"),
    Edit("corner radius 2 to 4 px", "order", "order", ".oc-tags span:first-child { border-radius: 4px }"),
    Edit("gap 4 to 5 px", "order", "order", ".oc-tags { gap: 5px }"),
    Edit("padding of one tag 1 px wider", "order", "order", ".oc-tags span:first-child { padding-right: 9px }"),
    Edit("the other of two discs in front", "order", "order", ".oc-people b:first-child { z-index: 1 }"),
    Edit("a number 12.5 to 12.50", "order", "order", swap=Swap("greeting", "Total 12.5<", "Total 12.50<")),
    Edit("text at the left", "order", "order", ".oc-total { text-align: left }"),
    Edit("a drawing mirrored", "order", "order", ".oc-route svg { transform: scaleX(-1) }"),
    # Headless browsers draw no scrollbars; what a designer sees of an overflow is the cut through the content.
    Edit("a list too long for its box", "order", "order", ".oc-list p { line-height: 26px }"),
    Edit("a line wrapped", "order", "order", ".oc-text { max-width: 250px }"),
    # -- charts, canvases and grids --------------------------------------------------------------------------------
    Edit("a series' colour", "lines", "lines", swap=Swap("lines", '"#1f77b4"', '"#1f77c4"')),
    Edit("an axis' label", "lines", "lines", swap=Swap("lines", 'label="day"', 'label="days"')),
    Edit("legend gone", "lines", "lines", swap=Swap("lines", "display_legend=True", "display_legend=False")),
    Edit("a line thicker by 1 px", "lines", "lines", swap=Swap("lines", "stroke_width=2", "stroke_width=3")),
    Edit(
        "one grid line gone",
        "lines",
        "lines",
        "[data-cell-id=lines] .axis .tick:nth-child(5) line[y2] { display: none }",
    ),
    Edit(
        "one bar higher by 1 of 80",
        "bars",
        "bars",
        swap=Swap("bars", ".astype(float)", ".astype(float) + np.outer([1, 0], [0, 0, 1, 0, 0])"),
    ),
    Edit("bars slimmer", "bars", "bars", swap=Swap("bars", "padding=0.2", "padding=0.21")),
    Edit("markers bigger", "scatter", "scatter", swap=Swap("scatter", "default_size=40", "default_size=44")),
    Edit(
        "one point moved",
        "scatter",
        "scatter",
        swap=Swap("scatter", "x=points[0], y", "x=points[0] + 0.01 * (np.arange(120) == 60), y"),
    ),
    Edit("one bin more", "plots", "plots", swap=Swap("setup", "bins=30", "bins=31")),
    Edit("a legend gone", "plots", "plots", swap=Swap("setup", "left.legend()", "left.legend().remove()")),
    Edit("a plot's title", "plots", "plots", swap=Swap("setup", "2000 seeded samples", "2000 seeded sample")),
    Edit("a line 1 px thicker", "canvas", "canvas", swap=Swap("canvas", '"#333", 1', '"#333", 2')),
    Edit("a triangle missing", "canvas", "canvas", swap=Swap("canvas", "enumerate(found):", "enumerate(found[:-1]):")),
    Edit("a hue turned by 3 degrees", "canvas", "canvas", swap=Swap("canvas", "hsl({360", "hsl({3 + 360")),
    Edit(
        "a cell's value",
        "grid",
        "grid",
        swap=Swap("grid", 'set_index("job")\n', 'set_index("job")\njobs.iloc[4, 3] += 1\n'),
    ),
    Edit("a column 1 px wider", "grid", "grid", swap=Swap("grid", "base_column_size=150", "base_column_size=151")),
    Edit("a bar's colour 5 steps bluer", "grid", "grid", swap=Swap("grid", '"#64b5f6"', '"#64b5fb"')),
)

# Nobody can see these. One of each base, which is run as it is, tells whether the base itself is steady.
CONTROLS = (
    *(
        Edit(f"nothing changed ({shot})", base.name, shot)
        for base in BASES
        for shot in [
            # The last shot: whatever was done before it is repeated as well.
            {
                "boxes": "tabbed",
                "states": "focused",
                "cards": "cards[phone]",
                "rich": "markdown",
                "cluster": "problem",
                "dark": "tab[dark]",
                "jobs": "jobs",
            }.get(base.name, base.name)
        ]
    ),
    Edit("a comment in the source", "buttons", "buttons", swap=Swap("buttons", "styles =", "# a comment\nstyles =")),
    Edit("a rule that matches nothing", "buttons", "buttons", ".no-such-thing { color: red; border: 9px solid }"),
    Edit("the same colour in other words", "order", "order", ".oc-head { background: rgb(245, 245, 245) }"),
    Edit("a declaration with the value it had", "order", "order", ".oc-tags { gap: 4px }"),
    Edit(
        "no z-index where nothing overlaps", "boxes", "boxes", "[title='column 2'] { position: relative; z-index: 1 }"
    ),
    Edit("a pointer's shape", "buttons", "buttons", ".jupyter-button { cursor: default }"),
    # No face between 400 and 700 is served to the page, so 500 is drawn with 400.
    Edit("a weight that the font doesn't have", "buttons", "buttons", f"{_SUCCESS} {{ font-weight: 500 }}"),
    Edit(
        "a tooltip's words",
        "buttons",
        "buttons",
        swap=Swap("buttons", 'description="disabled"', 'tooltip="not now", description="disabled"'),
    ),
    Edit(
        "two lines of the source swapped",
        "lines",
        "lines",
        swap=Swap(
            "lines",
            '    title="Random walks",\n    animation_duration=0,\n',
            '    animation_duration=0,\n    title="Random walks",\n',
        ),
    ),
)
