"""What is asked about serving; `must` and `aim` were written down before anything was measured."""

from __future__ import annotations

from benchmarks.serving import day, fuzz, graphs, predicting, sessions, start
from benchmarks.serving.question import Question

LOAD = (
    "One `recurra serve` and, in a process of its own, one client on the same machine, whose "
    "processors the two share; a model that labels each step of 8 channels, an LSTM of 128; one "
    "connection and one session for each stream, a frame each 20 ms for 6 s after 2 s of warmth, "
    "spread evenly over the 20 ms. A delay is counted from when a frame was due, so a client that "
    "lags is no help to the server. A load is held where 99 in 100 answers take less than 20 ms "
    "and none is missing. Loads rise until one is missed twice, then the gap is halved twice. "
)

QUESTIONS = (
    Question(
        "parity",
        "ONNX: sequence, chunks, steps and the bundle say the same",
        "Every task's model, and every cell in every layer, exported and computed by ONNX Runtime "
        "on the same examples: whole, in two parts with the state handed over, and step by step. "
        "The figure is the largest difference, as a share of the largest number or of 1.",
        "of the largest number",
        graphs.parity,
        must=1e-5,
        less=True,
    ),
    Question(
        "onnx-step",
        "One step in ONNX Runtime beside nn.LSTM exported the usual way",
        "H 128, one row, one thread, the same weights; `torch.onnx.export` of nn.LSTM with h and c "
        "as inputs and outputs beside a stream of `recurra.runtime`. Blocks of 200 steps take "
        "turns; the figure is the median of the blocks' ratios of time.",
        "times as fast",
        graphs.step,
        must=1.0,
        aim=1.5,
    ),
    Question(
        "sessions",
        "Sessions at one frame each 20 ms, 99 in 100 answers within 20 ms",
        LOAD,
        "sessions",
        sessions.answer,
        must=300,
        aim=2000,
    ),
    Question(
        "batching",
        "The same against a server without batches across sessions",
        LOAD + "The other is the same server with `--max-batch 1 --max-wait-ms 0`. The figure is "
        "the ratio of the sessions that are held.",
        "times the sessions",
        sessions.batched,
        must=3.0,
        aim=10.0,
    ),
    Question(
        "predict",
        "Sentences a second over HTTP, beside the bundle in Python",
        "The sentiment model after an epoch of the sample; 2,000 texts, the sample's test "
        "sentences in turn, and others of eight each. In Python: `Model.predict` in batches of 64, "
        "one thread. Over HTTP: `--threads 1`, connections that stay open, a client in a process "
        "of its own. Both run in turn five times; the figure is the median of the ratios.",
        "% of the bundle",
        predicting.answer,
        must=50.0,
        aim=80.0,
    ),
    Question(
        "day",
        "Memory over a simulated day of a million frames",
        f"{day.CLIENTS} clients send messages of {day.MESSAGE} frames as fast as they are "
        f"answered. After a message a session falls silent ({day.SILENT:.0%}; it is put away after "
        f"{day.IDLE} s), leaves and returns ({day.LEAVES:.0%}), ends ({day.ENDS:.0%}) or dies "
        f"({day.DIES:.0%}; it is forgotten after {day.KEEP:g} s). The resident memory of the "
        "server is looked at 20 times a second. Before the frames that count come as many that "
        "make it warm; how much it grows by these is said beside. The figure is the "
        "growth from the first to the last tenth of those that count, medians of both.",
        "% more memory",
        day.answer,
        must=2.0,
        aim=0.0,
        less=True,
    ),
    Question(
        "fuzz",
        "100,000 malformed requests and frames",
        "Drawn from a seed: request heads, bodies, files, options, names of sessions, states with "
        "flipped bits, WebSocket handshakes and frames that break the protocol or the page "
        f"docs/server.md, over {fuzz.WORKERS} connections at once. A crash is a status of 500, a "
        "close with 1011, no answer where one is due, or the end of the process; a traceback is "
        "any exception in the server's log. Meanwhile neighbours ask each model the same question "
        "again and again, by request and by stream, and compare the answers.",
        "",
        fuzz.answer,
        must=0.0,
        less=True,
    ),
    Question(
        "start",
        "From the command to the first answer of /readyz",
        "`recurra serve` with one bundle, in a new process; /readyz is asked every 5 ms. The "
        f"figure is the median of {start.TIMES} starts.",
        "s",
        start.answer,
        must=4.0,
        aim=1.5,
        less=True,
    ),
    Question(
        "web-size",
        "A folder for the web, with one tagger",
        "`recurra export … --web`: page, ONNX Runtime for the browser, graphs.",
        "MB",
        graphs.size,
        must=30.0,
        aim=12.0,
        less=True,
    ),
    Question(
        "web-answer",
        "The first answer of that folder in a browser",
        "Served by `python -m http.server`, opened in a browser without a cache; from the call of "
        "the page to the first answer.",
        "s",
        graphs.first,
        aim=2.0,
        less=True,
    ),
)
