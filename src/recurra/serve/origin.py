"""Whether a browser asks for a page of somebody else.

Any page that a user opens may send requests to this machine, and open WebSockets, which no rule of
the browser's forbids. Where keys are asked for, such a page has none. Without keys, a request that
says that it comes from another page is refused; and on an address of this machine alone, one for a
name that is not this machine's, since whoever owns a name may let it point here.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit


def loopback(host: str) -> bool:
    """Return whether a name or an address is this machine's own."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def foreign(scope: Mapping[str, Any], *, local: bool) -> bool:
    """Return whether a request is made by a page that is not ours.

    Args:
        scope: of the request.
        local: whether the server listens on an address of this machine alone.
    """
    headers = dict(scope["headers"])
    host = headers.get(b"host", b"").decode("latin-1")
    origin = headers.get(b"origin")
    try:
        if origin is not None and urlsplit(origin.decode("latin-1")).netloc != host:
            return True
        name = urlsplit(f"//{host}").hostname
    except ValueError:
        return True
    return local and name is not None and not loopback(name)
