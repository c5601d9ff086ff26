"""States in Redis, for several servers: each answer is there before it is told."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from recurra.errors import MissingExtra, RecurraError
from recurra.serve.store import StoreAway

try:
    from redis.asyncio import BlockingConnectionPool, Redis
    from redis.asyncio.retry import Retry
    from redis.backoff import ExponentialBackoff
    from redis.exceptions import NoScriptError, RedisError
except ModuleNotFoundError as error:
    raise MissingExtra("a store in Redis", "redis", "serve") from error

PREFIX = "recurra"
CLAIM = """
local holder = redis.call('get', KEYS[1])
if holder and holder ~= ARGV[1] then return 0 end
redis.call('set', KEYS[1], ARGV[1], 'px', ARGV[2])
return 1
"""
HELD = "if redis.call('get', KEYS[1]) ~= ARGV[1] then return 0 end\n"
RENEW = HELD + "return redis.call('pexpire', KEYS[1], ARGV[2])"
RELEASE = HELD + "return redis.call('del', KEYS[1])"
FORGET = HELD + "redis.call('del', KEYS[1], KEYS[2]) return 1"
SAVE = HELD + (
    "redis.call('set', KEYS[2], ARGV[4], 'px', ARGV[3]) "
    "return redis.call('pexpire', KEYS[1], ARGV[2])"
)


class RedisStore:
    """A store in Redis; keys have a prefix, and an end.

    A lease and a state are two keys of one session. Redis runs a script in one piece, so that who
    holds a lease is looked at and what depends on it is written with nothing in between.

    Args:
        url: `redis://[NAME:PASSWORD@]HOST:PORT/NUMBER`; told to nobody but Redis.
        lease: seconds that a lease lasts.
        keep: seconds that a state is kept after it was saved.
        patience: seconds that one call may wait, with all tries to connect again.
    Raises:
        RecurraError: the address is none.
    """

    def __init__(self, url: str, lease: float, keep: float, patience: float = 2.0) -> None:
        self.patience = patience
        self._lease, self._keep = max(1, round(lease * 1000)), max(1, round(keep * 1000))
        try:
            pool = BlockingConnectionPool.from_url(
                url,
                max_connections=32,
                timeout=patience,
                socket_timeout=patience,
                socket_connect_timeout=patience,
                retry=Retry(ExponentialBackoff(cap=0.5, base=0.02), 8),
            )
        except (ValueError, TypeError):
            # without the cause, which quotes the address, and so the password in it
            raise RecurraError(
                "--state: no address of Redis; write redis://HOST:PORT/NUMBER"
            ) from None
        self._redis = Redis(connection_pool=pool)

    async def claim(self, session: str, owner: str) -> bool:
        """Take the lease of a session; False: another owner holds it."""
        return not await self._refused(CLAIM, {session: (owner, self._lease)})

    async def renew(self, sessions: Collection[str], owner: str) -> set[str]:
        """Begin leases again, and return those sessions whose lease was lost."""
        return await self._refused(RENEW, dict.fromkeys(sessions, (owner, self._lease)))

    async def release(self, session: str, owner: str) -> None:
        """Give the lease back; nothing where it was lost."""
        await self._refused(RELEASE, {session: (owner,)})

    async def load(self, session: str) -> bytes | None:
        """Return what was saved last, or None where there is nothing (any more)."""
        (found,) = await self._send([("get", _keys(session)[1])])
        return bytes(found) if found is not None else None

    async def save(self, session: str, content: bytes, owner: str) -> bool:
        """Save a state; False: the lease was lost, and nothing was written."""
        return not await self.save_many({session: content}, owner)

    async def save_many(self, states: Mapping[str, bytes], owner: str) -> set[str]:
        """Save many at once, and return those sessions whose lease was lost."""
        kept = (owner, self._lease, self._keep)
        return await self._refused(SAVE, {name: (*kept, state) for name, state in states.items()})

    async def forget(self, session: str, owner: str) -> bool:
        """Remove a state and give the lease back; False: the lease was lost, the state stays."""
        return not await self._refused(FORGET, {session: (owner,)})

    async def close(self) -> None:
        """Close the connections."""
        await self._redis.aclose()
        await self._redis.connection_pool.disconnect()

    async def _refused(self, script: str, sessions: Mapping[str, Sequence[Any]]) -> set[str]:
        """Run a script for each session, in one round trip; return those to which it said no."""
        sha = hashlib.sha1(script.encode()).hexdigest()
        commands = [("evalsha", sha, 2, *_keys(name), *given) for name, given in sessions.items()]
        try:
            said = await self._send(commands)
        except NoScriptError:  # the first time, and after Redis began anew; no script was run
            said = await self._send([("script load", script), *commands])
            said = said[1:]
        return {name for name, one in zip(sessions, said, strict=True) if not one}

    async def _send(self, commands: Sequence[Sequence[Any]]) -> list[Any]:
        """Send commands together and return what each says.

        Raises:
            StoreAway: Redis is not reached in time, or cannot do it now.
        """
        if not commands:
            return []
        try:
            async with (
                asyncio.timeout(self.patience),
                self._redis.pipeline(transaction=False) as line,
            ):
                for command in commands:
                    line.execute_command(*command)
                return await line.execute()
        except NoScriptError:
            raise
        except (RedisError, OSError) as error:
            kind = type(error).__name__
            raise StoreAway(f"the store of sessions is away ({kind}); try again later") from error


def _keys(session: str) -> tuple[str, str]:
    """Return the keys of a lease and of a state; braces keep both in one place of a cluster."""
    name = hashlib.sha256(session.encode("utf-8", "surrogatepass")).hexdigest()
    return f"{PREFIX}:{{{name}}}:lease", f"{PREFIX}:{{{name}}}:state"
