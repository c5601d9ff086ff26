"""One job, recurra and its peers: checked against float64, then timed in turn."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from typing import NamedTuple

from recurra.benchmarks.job import Contender, Job, error, exact, recurra
from recurra.benchmarks.results import Row
from recurra.benchmarks.timing import Pace, race
from recurra.errors import RecurraError

TOLERANCE = 2e-5  # of recurra, as a share of the largest number; a peer's error is only told


left_out: list[str] = []  # the peers that were not here, in words, for who asks afterwards


class Peer(NamedTuple):
    """Somebody to compare with.

    Args:
        name: as in the results.
        enter: makes the contender of a job.
        package: the import that it needs.
    """

    name: str
    enter: Contender
    package: str = "torch"


class Target(NamedTuple):
    """The least ratio that is good enough, and the one aimed at."""

    must: float | None = None
    aim: float | None = None


class Contest(NamedTuple):
    """A job, who does it, and what is asked for.

    Args:
        question: its name.
        part: the part of the question.
        job: what is done.
        peers: against whom.
        targets: by the peer's name.
        check: the job that is compared with float64; None: `job` itself.
        note: for the rows.
        ours: recurra's contender.
        tolerance: of recurra's error, as a share of the largest number.
    """

    question: str
    part: str
    job: Job
    peers: tuple[Peer, ...]
    targets: Mapping[str, Target]
    check: Job | None = None
    note: str = ""
    ours: Contender = recurra
    tolerance: float = TOLERANCE


def absent(peer: Peer) -> str | None:
    """Return why a peer cannot take part, or None."""
    if find_spec(peer.package) is None:
        return f"{peer.name} is left out: {peer.package} is not installed"
    return None


def leave_out(reason: str) -> None:
    """Note once who is left out."""
    if reason not in left_out:
        left_out.append(reason)


def hold(contest: Contest, threads: int, pace: Pace) -> Iterator[Row]:
    """Check, time, and yield a row per peer that is here.

    Raises:
        RecurraError: recurra's own answer is wrong: then its time means nothing.
    """
    job, check = contest.job, contest.check or contest.job
    kind = type(job.cell).__name__
    want = exact(check)
    ours = error(contest.ours(check), want, check)
    if not ours <= contest.tolerance:
        raise RecurraError(
            f"{kind} {check.shape} is off by {ours:.1e} from float64 on engine {job.engine()}; "
            f"{contest.tolerance:.0e} is allowed, and a wrong answer is not timed"
        )
    peers = []
    for peer in contest.peers:
        reason = absent(peer)
        if reason is None:
            peers.append(peer)
        else:
            leave_out(reason)
    runs, errors = {"recurra": contest.ours(job).run}, {}
    for peer in peers:
        entry = peer.enter(job)  # once where it is checked too: some compile for seconds
        checked = entry if check is job else peer.enter(check)
        errors[peer.name], runs[peer.name] = error(checked, want, check), entry.run
    timing = race(runs, pace)
    for peer in peers:
        target = contest.targets.get(peer.name, Target())
        mine, other = timing.median("recurra"), timing.median(peer.name)
        off = errors[peer.name]
        yield Row(
            question=contest.question,
            part=contest.part,
            cell=kind,
            shape=job.shape,
            threads=threads,
            engine=job.engine(),
            peer=peer.name,
            ratio=other / mine,
            spread=timing.spread("recurra", peer.name),
            ours_ms=1e3 * mine,
            peer_ms=1e3 * other,
            must=target.must,
            aim=target.aim,
            error=ours,
            peer_error=off if math.isfinite(off) else None,
            note=contest.note,
        )
