"""`recurra serve`: trained models over HTTP and WebSockets."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter

from recurra.errors import MissingExtra
from recurra.serve.settings import Settings


def serve(
    *runs: str,
    settings: Annotated[Settings, Parameter(name="*")] = Settings(),  # noqa: B008, it is frozen
) -> None:
    """Serve trained models over HTTP and WebSockets, with a page to try them.

        recurra serve runs/sentiment runs/ner
        curl -s localhost:8000/v1/models/sentiment/predict -d '{"inputs": ["not bad at all"]}' \\
          -H 'content-type: application/json'

    Parameters
    ----------
    runs
        Folders of trained models, or NAME=FOLDER.
    """
    try:
        from recurra.serve.run import run
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("recurra"):
            raise
        raise MissingExtra("serving", str(error.name), "serve") from error
    run(runs, settings)
