"""JSON Schemas of the documents that others may read, made from their types: `python -m widgetshot.schemas FOLDER`."""

import json
import sys
from pathlib import Path
from typing import Any

from widgetshot.baselines.sidecar import Sidecar
from widgetshot.documents import json_schema
from widgetshot.report.elements_file import ElementsFile
from widgetshot.report.run_json import Run
from widgetshot.report.trace_file import TraceFile
from widgetshot.review.decisions import DecisionsFile
from widgetshot.review.documents import NamedState, RefusalAnswer
from widgetshot.review.requests import ReviewRequest

# Name of the schema's file -> the document's type and title.
DOCUMENTS: dict[str, tuple[Any, str]] = {
    "run.schema.json": (Run, "Run"),
    "trace.schema.json": (TraceFile, "Trace of a result"),
    "elements.schema.json": (ElementsFile, "Elements of a shot"),
    "sidecar.schema.json": (Sidecar, "Sidecar of a baseline"),
    "decisions.schema.json": (DecisionsFile, "Decisions"),
    "review-state.schema.json": (NamedState, "State of a live review"),
    "review-request.schema.json": (ReviewRequest, "Request to a live review"),
    "review-refusal.schema.json": (RefusalAnswer, "Refusal of a live review"),
}


def schema_texts() -> dict[str, str]:
    """Return the text of each schema's file."""
    return {
        name: json.dumps(json_schema(kind, title), indent=2, ensure_ascii=False) + "\n"
        for name, (kind, title) in DOCUMENTS.items()
    }


def main(folder: str) -> None:
    """Write the schemas into a folder."""
    for name, text in schema_texts().items():
        Path(folder, name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1])
