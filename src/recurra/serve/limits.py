"""How much each client may ask for: a rate of something, and a number of things at once."""

from __future__ import annotations

import ipaddress
import time
from collections import Counter, OrderedDict
from collections.abc import Callable

MOST = 10_000  # clients that are remembered


class Rate:
    """A token bucket for each client.

    Args:
        per_second: tokens that come back in a second; 0: any number may be taken.
        burst: tokens of a full bucket; those of a second, and at least one, unless given.
        most: clients that are remembered; of more, those that asked longest ago begin anew.
        clock: tells the time, in seconds.
    """

    def __init__(
        self,
        per_second: float,
        burst: float | None = None,
        most: int = MOST,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.per_second, self.most, self.clock = per_second, most, clock
        self.burst = max(1.0, per_second) if burst is None else burst
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()  # tokens, and when

    def take(self, client: str, n: float = 1) -> float:
        """Take n tokens and return 0, or take none and return the seconds after which to ask again.

        More than a full bucket holds is given when it is full, and owed after that.
        """
        if not self.per_second:
            return 0.0
        now = self.clock()
        tokens, then = self._buckets.get(client, (self.burst, now))
        tokens = min(self.burst, tokens + (now - then) * self.per_second)
        missing = min(n, self.burst) - tokens
        refused = missing > 1e-9  # of rounding: who waits as long as told is let in
        self._buckets[client] = (tokens if refused else tokens - n, now)
        self._buckets.move_to_end(client)
        if len(self._buckets) > self.most:
            self._buckets.popitem(last=False)
        return missing / self.per_second if refused else 0.0


class Places:
    """A number of things that each client may have at once.

    Args:
        most: of each client; 0: any number.
    """

    def __init__(self, most: int) -> None:
        self.most = most
        self._taken: Counter[str] = Counter()

    def take(self, client: str) -> bool:
        """Take a place; False: the client has as many as it may."""
        if self.most and self._taken[client] >= self.most:
            return False
        self._taken[client] += 1
        return True

    def give(self, client: str) -> None:
        """Give a place back that was taken; clients without any are not remembered."""
        self._taken[client] -= 1
        if self._taken[client] <= 0:
            del self._taken[client]


def client_of(address: str | None) -> str:
    """Return who counts as one client where there are no keys: an address; of IPv6 its network."""
    try:
        found = ipaddress.ip_address(address or "")
    except ValueError:
        return address or "unknown"
    if isinstance(found, ipaddress.IPv6Address):
        if found.ipv4_mapped:
            return str(found.ipv4_mapped)
        return str(ipaddress.ip_network((int(found), 64), strict=False))
    return str(found)
