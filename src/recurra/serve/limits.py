"""How much each client may ask for: a rate of something, and a number of things at once."""

from __future__ import annotations

import ipaddress
import time
from collections import Counter, OrderedDict
from collections.abc import Callable

MOST = 10_000  # clients that are remembered


class Rate:
    """A token bucket for each client, which holds the tokens of a second, and at least one.

    Args:
        per_second: tokens that come back in a second; 0: any number may be taken.
        most: clients that are remembered; of more, those that asked longest ago begin anew.
        clock: tells the time, in seconds.
    """

    def __init__(
        self,
        per_second: float,
        most: int = MOST,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.per_second, self.most, self.clock = per_second, most, clock
        self.burst = max(1.0, per_second)
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()  # tokens, and when

    def take(self, client: str) -> float:
        """Take a token and return 0, or return the seconds after which to ask again."""
        tokens = self._tokens(client)
        missing = 1.0 - tokens
        refused = self.per_second > 0 and missing > 1e-9  # of rounding: who waited is let in
        self._leave(client, tokens if refused else tokens - 1.0)
        return missing / self.per_second if refused else 0.0

    def charge(self, client: str, n: int) -> float:
        """Take n tokens, owed where there are fewer, and return the seconds until none is owed."""
        tokens = self._tokens(client) - n
        self._leave(client, tokens)
        return max(0.0, -tokens / self.per_second) if self.per_second > 0 else 0.0

    def _tokens(self, client: str) -> float:
        now = self.clock()
        tokens, then = self._buckets.get(client, (self.burst, now))
        return min(self.burst, tokens + (now - then) * self.per_second)

    def _leave(self, client: str, tokens: float) -> None:
        if self.per_second > 0:
            self._buckets[client] = (tokens, self.clock())
            self._buckets.move_to_end(client)
            if len(self._buckets) > self.most:
                self._buckets.popitem(last=False)


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
