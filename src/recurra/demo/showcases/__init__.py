"""What each model did with held-out examples, as HTML: one function for each task."""

from collections.abc import Callable
from pathlib import Path

from recurra.demo.showcases.alarms import alarms
from recurra.demo.showcases.harmony import harmony
from recurra.demo.showcases.music import music
from recurra.demo.showcases.pictures import captions, digits
from recurra.demo.showcases.prose import prose
from recurra.demo.showcases.series import forecasts
from recurra.demo.showcases.signals import signals
from recurra.demo.showcases.sounds import sounds
from recurra.demo.showcases.speech import speech
from recurra.demo.showcases.words import entities, sentiment, translations
from recurra.tasks.model import Model

SHOWCASES: dict[str, Callable[[Model, Path], str]] = {
    "image_classification": digits,
    "music_generation": music,
    "polyphonic_music": harmony,
    "image_captioning": captions,
    "sentiment": sentiment,
    "ner": entities,
    "translation": translations,
    "language_model": prose,
    "signal_classification": signals,
    "audio_classification": sounds,
    "forecasting": forecasts,
    "anomaly_detection": alarms,
    "speech_recognition": speech,
}
