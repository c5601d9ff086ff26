"""Pictures, and what was said about them."""

import base64
from html import escape
from io import BytesIO
from pathlib import Path

import numpy as np

from recurra.tasks.model import Model


def picture(image: np.ndarray, zoom: int = 6) -> str:
    """Return an <img> of an array [height width channels], enlarged."""
    from PIL import Image

    low, high = float(image.min()), float(image.max())
    grey = ((image.astype(np.float32) - low) * (255 / max(high - low, 1e-9))).astype(np.uint8)
    drawn = Image.fromarray(grey[..., 0] if grey.shape[2] == 1 else grey)
    buffer = BytesIO()
    drawn.resize((drawn.width * zoom, drawn.height * zoom), Image.Resampling.NEAREST).save(
        buffer, format="PNG"
    )
    data = base64.b64encode(buffer.getvalue()).decode()
    return f'<img alt="" src="data:image/png;base64,{data}">'


def _figure(inner: str, caption: str, right: bool) -> str:
    kind = "right" if right else "wrong"
    return f'<figure>{inner}<figcaption class="{kind}">{escape(caption)}</figcaption></figure>'


def digits(model: Model, out: Path) -> str:
    """Show test digits with their predictions."""
    test = model.task.read(model.recipe).test
    rows = test[:: max(len(test) // 24, 1)]
    answers = model.predict([row.image for row in rows])
    figures = [
        _figure(picture(row.image), f"{a.label} ({a.probability:.0%})", a.label == row.label)
        for row, a in zip(rows, answers, strict=True)
    ]
    return f'<div class="row">{"".join(figures)}</div>'


def captions(model: Model, out: Path) -> str:
    """Show test scenes with the sentences written about them."""
    rows = model.task.read(model.recipe).test[:8]
    answers = model.predict([row.image for row in rows])
    figures = [
        _figure(picture(row.image, 5), a.text, a.text == row.captions[0])
        for row, a in zip(rows, answers, strict=True)
    ]
    return f'<div class="row">{"".join(figures)}</div>'
