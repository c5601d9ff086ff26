"""Logs: JSON, a line an event, without anything that a client has sent."""

from __future__ import annotations

import hashlib
import json
import logging
import re
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, TypedDict, Unpack

QUERY = re.compile(r"\?[^\s\"']*")  # of an address in uvicorn's texts: keys may be in it
Level = Literal["debug", "info", "warning", "error"]
_log = logging.getLogger("recurra.serve")


class Told(TypedDict, total=False):
    """What an event may have; there is no place for inputs, answers or keys."""

    model: str
    session: str  # shortened by `short`
    client: str  # the name of a key
    route: str
    method: str
    status: int
    milliseconds: float
    count: int
    size: int
    reason: str


def event(name: str, level: Level = "info", **told: Unpack[Told]) -> None:
    """Log what happened, in a word or two, and what is to be known of it."""
    _log.log(getattr(logging, level.upper()), name, extra={"told": told})


def short(session: str) -> str:
    """Return by what a session is known in logs: who has its name could go on with it."""
    return hashlib.sha256(session.encode("utf-8", "surrogatepass")).hexdigest()[:12]


def configure(level: Level = "info") -> None:
    """Write the server's logs, and uvicorn's own, as JSON lines to stderr.

    Uvicorn is started with `log_config=None`. Its lines of requests, which quote addresses with all
    that is in them, are left out: `Access` writes better ones.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(Lines())
    for name in ("recurra.serve", "uvicorn", "asyncio"):
        logger = logging.getLogger(name)
        logger.handlers, logger.propagate = [handler], False
        logger.setLevel(level.upper())
    access = logging.getLogger("uvicorn.access")
    access.handlers, access.propagate = [], False
    if level == "info":  # of each stream it would tell three times what `Access` tells once
        logging.getLogger("uvicorn").setLevel("WARNING")


class Lines(logging.Formatter):
    """A record as a line of JSON; of an exception its kind and places, not its text."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        when = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        line: dict[str, object] = {"time": when, "level": record.levelname.lower()}
        if record.name == _log.name:
            line["event"] = record.getMessage()
        else:
            # further lines may quote what an exception says
            text = QUERY.sub("?…", record.getMessage().partition("\n")[0])
            line |= {"event": record.name, "text": text}
        line |= getattr(record, "told", {})
        if record.exc_info and record.exc_info[0] is not None:
            line |= {"error": record.exc_info[0].__name__, "at": _places(record)}
        return json.dumps(line, ensure_ascii=False).encode("utf-8", "replace").decode()


def _places(record: logging.LogRecord) -> list[str]:
    """Return where an exception was raised: the last calls, the innermost last."""
    found, trace = [], record.exc_info[2] if record.exc_info else None
    while trace is not None:
        code = trace.tb_frame.f_code
        found.append(f"{Path(code.co_filename).name}:{trace.tb_lineno} {code.co_name}")
        trace = trace.tb_next
    return found[-8:]
