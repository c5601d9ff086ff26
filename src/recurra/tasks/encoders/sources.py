"""Where a frozen encoder comes from: a file of weights, or a name that a library knows."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from importlib import import_module
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from recurra.errors import BundleError, MissingExtra, RecurraError
from recurra.tasks.encoders import squeezenet

FILE, HUB, MODELS = ".npz", "hf:", "timm:"
KINDS = f"a SqueezeNet's file ({FILE}), {HUB}NAME (transformers) or {MODELS}NAME (timm)"
HALF = (0.5, 0.5, 0.5)
MOST = 8  # positions along a side of a map
# of a configuration of transformers: what names code or files, or how they are run
NAMING = {"auto_map", "attn_implementation", "experts_implementation", "quantization_config"}
PLAIN = re.compile(r"[\w.-]+")  # a name of timm's own, and none of a hub or of a folder


@dataclass(frozen=True)
class Seen:
    """What a frozen encoder is, without its weights: what a bundle says of it.

    Args:
        kind: "squeezenet", "transformers" or "timm".
        positions: of a picture that it describes.
        channels: features of a position.
        side: height and width of the pictures it was measured with.
        settings: what its architecture is made from: a configuration, or a name.
        mean: of red, green and blue, taken from pixels of 0 to 1.
        std: they are divided by.
    """

    kind: str
    positions: int
    channels: int
    side: int
    settings: Mapping[str, Any] = field(default_factory=dict)
    mean: tuple[float, ...] = (0.0, 0.0, 0.0)
    std: tuple[float, ...] = (1.0, 1.0, 1.0)

    def to_json(self) -> str:
        """Return it as JSON text."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Seen:
        """Return what `to_json` wrote.

        Raises:
            BundleError: the text says no such thing.
        """
        try:
            values = json.loads(text)
            seen = cls(**{**values, "mean": tuple(values["mean"]), "std": tuple(values["std"])})
            sizes = (seen.positions, seen.channels, seen.side)
            right = all(type(size) is int and 0 < size < 1 << 20 for size in sizes)
            torch.tensor([seen.mean, seen.std]).reshape(2, 3)
        except (ValueError, TypeError, KeyError, RecursionError) as error:
            raise BundleError(f"encoder.json describes no encoder: {error}") from error
        if not right:
            raise BundleError(f"encoder.json describes no encoder: its sizes are {sizes}")
        return seen

    def network(self) -> nn.Module:
        """Return the architecture, with weights of no meaning.

        Raises:
            BundleError: there is none of this kind.
            MissingExtra: its library is not installed.
        """
        if self.kind == "squeezenet":
            return squeezenet.SqueezeNet()
        if self.kind == "transformers":
            library, settings = transformers(), architecture(self.settings)
            try:
                config = library.AutoConfig.for_model(settings.pop("model_type"), **settings)
                return _Last(library.AutoModel.from_config(config, trust_remote_code=False))
            except (KeyError, TypeError, ValueError) as error:
                raise BundleError(f"encoder.json: transformers refuses it: {error}") from error
        if self.kind == "timm":
            made: nn.Module = _timm(str(self.settings.get("name")), pretrained=False)
            return made
        raise BundleError(f"encoder.json: {self.kind!r} is no kind of encoder")


def seen_by(source: str, side: int) -> tuple[Seen, nn.Module]:
    """Return what an encoder is, and the encoder with its weights.

    Args:
        source: a file's path or a name, as the recipe says it.
        side: height and width of the pictures.
    Raises:
        RecurraError: there is no such encoder; DataError: the file holds none.
        MissingExtra: its library is not installed.
    """
    if source.startswith(HUB):
        seen, network = _of_hub(source.removeprefix(HUB))
    elif source.startswith(MODELS):
        seen, network = _of_timm(source.removeprefix(MODELS))
    elif source.endswith(FILE):
        network = squeezenet.SqueezeNet()
        squeezenet.fill(network, source)
        seen = {"kind": "squeezenet"}
    else:
        raise RecurraError(f"encoder {source!r} is unknown; give convolution, or {KINDS}")
    network.eval()
    with torch.no_grad():
        try:
            positions, channels = as_grid(network(torch.full((1, 3, side, side), 0.5))).shape[1:]
        except (RuntimeError, ValueError) as error:
            reason = " ".join(str(error).split())
            raise RecurraError(
                f"encoder {source}: pictures of {side}×{side} do not fit it: {reason}; --pixels "
                "chooses another size"
            ) from error
    return Seen(positions=positions, channels=channels, side=side, **seen), network


def architecture(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return of a configuration what says how a network is made, and nothing that names code."""
    return {
        name: value
        for name, value in settings.items()
        if not name.startswith("_") and name not in NAMING
    }


def as_grid(y: Tensor) -> Tensor:
    """Return features as [batch positions channels]: of a map of channels, or a list already.

    Neighbours in a map of more than 8 × 8 positions are averaged: an attention looks at each.
    """
    if y.dim() != 4:
        return y
    apart = -(-max(y.shape[2:]) // MOST)
    if apart > 1:
        y = functional.avg_pool2d(y, apart, ceil_mode=True, count_include_pad=False)
    return y.flatten(2).transpose(1, 2)


class _Last(nn.Module):
    """A model of transformers, of whose outputs the last features are asked alone."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, x: Tensor) -> Tensor:
        """Return them."""
        last: Tensor = self.model(pixel_values=x).last_hidden_state
        return last


def transformers() -> Any:
    """Return the library.

    Raises:
        MissingExtra: it is not installed.
    """
    try:
        return import_module("transformers")
    except ImportError as error:
        raise MissingExtra("an encoder hf:NAME", "transformers", "encoders") from error


def _of_hub(name: str) -> tuple[dict[str, Any], nn.Module]:
    library = transformers()
    try:
        model = library.AutoModel.from_pretrained(
            name, use_safetensors=True, trust_remote_code=False
        )
        processor = library.image_processing_base.ImageProcessingMixin
        values, _ = processor.get_image_processor_dict(name)
    except (OSError, ValueError, KeyError, RuntimeError) as error:  # what the library raises
        reason = " ".join(str(error).split())[:300]
        raise RecurraError(f"encoder hf:{name} cannot be loaded: {reason}") from error
    normal = bool(values.get("do_normalize", True))
    scale = {
        "mean": tuple(values.get("image_mean") or HALF) if normal else (0.0, 0.0, 0.0),
        "std": tuple(values.get("image_std") or HALF) if normal else (1.0, 1.0, 1.0),
    }
    settings = architecture(json.loads(model.config.to_json_string(use_diff=False)))
    return {"kind": "transformers", "settings": settings, **scale}, _Last(model)


def _timm(name: str, *, pretrained: bool) -> Any:
    if not PLAIN.fullmatch(name):
        raise RecurraError(f"encoder timm:{name}: give the name of a model that timm has")
    try:
        library = import_module("timm")
    except ImportError as error:
        raise MissingExtra("an encoder timm:NAME", "timm", "encoders") from error
    try:
        model = library.create_model(name, pretrained=pretrained, num_classes=0)
    except (RuntimeError, OSError, ValueError, KeyError) as error:  # what the library raises
        reason = " ".join(str(error).split())[:300]
        raise RecurraError(f"encoder timm:{name} cannot be loaded: {reason}") from error
    model.forward = model.forward_features
    return model


def _of_timm(name: str) -> tuple[dict[str, Any], nn.Module]:
    model = _timm(name, pretrained=True)
    made = model.pretrained_cfg
    scale = {"mean": tuple(made["mean"]), "std": tuple(made["std"])}
    return {"kind": "timm", "settings": {"name": name}, **scale}, model
