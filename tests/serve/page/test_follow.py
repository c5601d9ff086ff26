"""A text is followed as it is typed: each word is sent once, and a change begins anew."""

from pathlib import Path

from tests.serve.page.node import needs_node, run

pytestmark = needs_node

STREAM = "typing.js"


def test_words_are_sent_once_when_they_are_complete_and_the_last_after_a_while(
    tmp_path: Path,
) -> None:
    told = run(
        tmp_path,
        """
        for (const text of ["n", "not", "not ", "not bad", "not bad at", "not bad at a"])
          await type(text);
        arrive();
        await tick(0.9);
        arrive();
        await tick();
        tell([sent, shown]);
        """,
        STREAM,
    )
    assert told == [
        [["not ", False], ["bad ", False], ["at ", False], ["a", True]],
        ["fresh", "not ", "bad ", "at ", "a"],
    ]


def test_what_is_changed_begins_anew_and_late_answers_to_what_was_are_dropped(
    tmp_path: Path,
) -> None:
    told = run(
        tmp_path,
        """
        await type("not bad ");
        await type("very bad ");
        arrive();
        await type("very bad indeed ");
        arrive();
        tell([sent, shown]);
        """,
        STREAM,
    )
    assert told == [
        [["not |bad ", False], ["", True], ["very |bad ", False], ["indeed ", False]],
        ["fresh", "fresh", "very ", "bad ", "indeed "],
    ]


def test_a_model_that_waits_is_asked_of_what_is_typed_last_alone(tmp_path: Path) -> None:
    told = run(
        tmp_path,
        """
        const asked = [];
        const predict = async (name, [text], options, signal) => {
          asked.push(text);
          await tick(0.4);
          return [{ label: text, late: signal.aborted }];
        };
        const whole = follow({ model: { name: "m" }, backend: { predict }, report },
          { ...on, whole: (answer) => shown.push(answer) }, words);
        for (const text of ["a", "ab"]) { whole.text(text); await tick(0.25); }
        whole.text("abc");
        await tick(0.05);
        whole.text("abcd");
        await tick(0.8);
        tell([asked, shown]);
        """,
        STREAM,
    )
    assert told[0] == ["a", "ab", "abcd"]
    assert [one["label"] for one in told[1]] == ["abcd"]
