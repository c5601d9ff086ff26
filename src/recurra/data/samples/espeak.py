"""Speech by espeak-ng, in a process of its own: `python espeak.py LIBRARY DATA`.

The library has one state for a whole process, is not for two threads, and what it says depends on
what it said before. A process that says one list and ends has none of these faults: the same list
is always said the same, and a crash is an exit code.

Read from standard input: JSON, a list of [text, voice, words a minute, pitch]. Written to standard
output: the rate; then for each the number of samples and the samples; all little-endian, of 32 bits
and, the samples, 16.
"""

import ctypes
import json
import sys
from typing import Any

SYNCHRONOUS = 2  # samples are handed to the callback before `espeak_Synth` returns
STAYING = 0x8000  # an error is a return code, and no exit
RATE, PITCH = 1, 3
SEED = 1
PLAIN = 1  # the text is UTF-8

Callback = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p
)


def main(library: str, data: str) -> None:
    """Say what standard input lists."""
    espeak = ctypes.CDLL(library)
    rate = espeak.espeak_Initialize(SYNCHRONOUS, 0, data.encode(), STAYING)
    if rate <= 0:
        sys.exit(f"espeak-ng does not begin (code {rate}) with its data in {data}")
    heard: list[bytes] = []

    def hear(samples: Any, count: int, _: Any) -> int:
        if samples and count > 0:
            heard.append(ctypes.string_at(samples, 2 * count))
        return 0

    callback = Callback(hear)
    espeak.espeak_SetSynthCallback(callback)
    out = sys.stdout.buffer
    out.write(rate.to_bytes(4, "little"))
    for text, voice, speed, pitch in json.load(sys.stdin):
        heard.clear()
        espeak.espeak_ng_SetRandSeed(ctypes.c_long(SEED))  # else it is the time of day
        code = espeak.espeak_SetVoiceByName(voice.encode())
        code = code or espeak.espeak_SetParameter(RATE, speed, 0)
        code = code or espeak.espeak_SetParameter(PITCH, pitch, 0)
        said = text.encode() + b"\0"
        size = ctypes.c_size_t(len(said))
        code = code or espeak.espeak_Synth(said, size, 0, 1, 0, PLAIN, None, None)
        if code or not heard:
            sys.exit(f"espeak-ng does not say {text!r} by the voice {voice} (code {code})")
        samples = b"".join(heard)
        out.write((len(samples) // 2).to_bytes(4, "little") + samples)


if __name__ == "__main__":
    main(*sys.argv[1:])
