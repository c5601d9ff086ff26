"""A session outlives its connections, in order, without a frame twice."""

from pathlib import Path

from tests.serve.page.node import needs_node, run

pytestmark = needs_node

SERVER = "sessions.js"


def test_what_never_arrived_is_sent_again_and_what_was_answered_is_not(tmp_path: Path) -> None:
    told = run(
        tmp_path,
        """
        const stream = await open();
        await stream.send([1]);
        plan = ["gone"];
        await stream.send([2]);
        plan = ["lose"];
        await stream.send([3]);
        await stream.send([4, 5]);
        say();
        """,
        SERVER,
    )
    assert told["answers"] == [1, 3, 6, 10, 15]
    assert told["log"] == [1, 2, 3, 4, 5]
    assert told["away"] is True
    assert told["lost"] == 0


def test_what_is_sent_while_nothing_is_there_waits_and_comes_in_order(tmp_path: Path) -> None:
    told = run(
        tmp_path,
        """
        const stream = await open();
        plan = ["lose"];
        for (let i = 1; i < 6; i++) stream.send([i]);
        await stream.send([6], { end: true });
        await stream.send([10]);
        say();
        """,
        SERVER,
    )
    assert told["answers"] == [1, 3, 6, 10, 15, 21, 10]
    assert told["log"] == [1, 2, 3, 4, 5, 6, 10]


def test_a_forgotten_session_is_told_and_goes_on_anew(tmp_path: Path) -> None:
    told = run(
        tmp_path,
        """
        const stream = await open();
        await stream.send([1]);
        plan = ["forget"];
        stream.send([2]);
        while (!lost) await new Promise((resolve) => setTimeout(resolve, 20));
        await stream.send([5]);
        say();
        """,
        SERVER,
    )
    assert told["answers"] == [1, 5]
    assert told["lost"] == 1


def test_a_message_that_breaks_it_off_is_not_sent_for_ever(tmp_path: Path) -> None:
    told = run(
        tmp_path,
        """
        const stream = await open();
        plan = Array(50).fill("poison");
        stream.send([1]);
        while (!closed.length) await new Promise((resolve) => setTimeout(resolve, 50));
        say();
        """,
        SERVER,
    )
    assert told["closed"] == ["it cannot be read"]
    assert told["answers"] == []


def test_a_session_that_seems_in_use_is_waited_for(tmp_path: Path) -> None:
    told = run(
        tmp_path,
        """
        const stream = await open();
        await stream.send([1]);
        [plan, leased] = [["gone"], 7];
        await stream.send([2]);
        say();
        """,
        SERVER,
    )
    assert told["answers"] == [1, 3]
    assert told["lost"] == 0
