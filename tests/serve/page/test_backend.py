"""The backend over HTTP: keys, limits, a server that is gone, events as they are written."""

from pathlib import Path

from tests.serve.page.node import needs_node, run

pytestmark = needs_node

SERVER = "answers.js"


def test_a_key_is_asked_for_once_and_kept(tmp_path: Path) -> None:
    told = run(
        tmp_path,
        """
        keys.push("secret");
        plan = [{ status: 401, json: { error: "a key is needed" } }, { json: { models: [1] } }];
        const models = await backend.models();
        await backend.models();
        tell([models, asked, store.get("recurra-key")]);
        """,
        SERVER,
    )
    models, asked, kept = told
    assert models == [1]
    assert kept == "secret"
    assert asked == [
        ["GET", "/sub/v1/models", None, None],
        "a key is needed",
        ["GET", "/sub/v1/models", "Bearer secret", None],
        ["GET", "/sub/v1/models", "Bearer secret", None],
    ]


def test_a_limit_is_waited_for_as_long_as_the_server_says(tmp_path: Path) -> None:
    told = run(
        tmp_path,
        """
        const headers = { "Retry-After": "0.4" };
        plan = [
          { status: 429, json: { error: "too many" }, headers },
          { json: { answers: [{ label: "a" }] } },
        ];
        const began = performance.now();
        const answers = await backend.predict("n", ["x"], { beam: 2 });
        tell([answers, performance.now() - began, states, asked.map((one) => one[3])]);
        """,
        SERVER,
    )
    answers, milliseconds, states, bodies = told
    assert answers == [{"label": "a"}]
    assert milliseconds >= 390
    assert states[0] == {"wait": 0.4, "reason": "too many"}
    assert states[-1] == {}
    assert bodies == ['{"inputs":["x"],"options":{"beam":2}}'] * 2


def test_a_server_that_is_gone_is_asked_again_and_refusals_are_told(tmp_path: Path) -> None:
    told = run(
        tmp_path,
        """
        plan = ["gone", { status: 422, json: { error: "inputs: wrong" } }];
        const reason = await backend.predict("n", [1]).catch((error) => error.message);
        plan = [{ status: 500, body: "<html>" }];
        const away = states.map((state) => state.away ?? 0);
        tell([reason, away, await backend.models().catch((error) => error.message)]);
        """,
        SERVER,
    )
    assert told == ["inputs: wrong", [0.5, 0], "the server answered 500"]


def test_parts_are_told_as_they_come_however_they_are_cut(tmp_path: Path) -> None:
    told = run(
        tmp_path,
        r"""
        const events = 'event: part\ndata: {"text": "é"}\n\n'
          + 'event: part\r\ndata: {"text": "b"}\r\n\r\nevent: done\ndata: {"text": "éb"}\n\n';
        const bytes = [...new TextEncoder().encode(events)].map((byte) => Uint8Array.of(byte));
        plan = [{ body: ReadableStream.from(bytes) }];
        const parts = [];
        const whole = await backend.generate("n", "p", {}, (text) => parts.push(text));
        plan = [{ body: 'event: part\ndata: {"text": "a"}\n\n' }];
        const again = backend.generate("n", "p", {}, () => {});
        const broken = await again.catch((error) => error.message);
        tell([parts, whole, broken]);
        """,
        SERVER,
    )
    assert told[:2] == [["é", "b"], {"text": "éb"}]
    assert told[2].startswith("the piece broke off")
