"""The README card of a bundle: what the model is, how it was made, how well it does."""

from collections.abc import Mapping
from typing import Any

from torch import nn

from recurra.tasks.task import Task
from recurra.training.options import Layers
from recurra.training.recipe import Recipe


def card(task: Task[Any], recipe: Recipe, metrics: Mapping[str, Any], network: nn.Module) -> str:
    """Return the card as Markdown."""
    size = sum(parameter.numel() for parameter in network.parameters())
    data = recipe.data or "the embedded sample"
    layers = recipe.layers if isinstance(recipe, Layers) else 1
    lines = [
        f"# {task.name} ({task.type})",
        "",
        task.summary,
        "",
        f"- cell `{recipe.cell}`, {layers} layer(s) of {recipe.hidden}, {size:,} parameters",
        f"- trained on {data}, seed {recipe.seed}",
    ]
    if metrics:
        counts = f"{metrics['train_examples']:,} training, {metrics['test_examples']:,} test"
        others = {"trivial baseline": metrics["baseline"], **metrics.get("peers", {})}
        lines += [
            f"- {counts} examples, {metrics['seconds']} s",
            "",
            f"| test metric | this model | {' | '.join(others)} |",
            "|---|---|" + "---|" * len(others),
        ]
        for name, value in metrics["test"].items():
            beside = " | ".join(_shown(found.get(name)) for found in others.values())
            lines.append(f"| {name} | {value:.4f} | {beside} |")
    lines += [
        "",
        "```python",
        "import recurra",
        f'model = recurra.load("{recipe.out or "runs/" + task.name}")',
        f"print(*model.predict([{task.example!r}]))",
        "```",
        "",
    ]
    return "\n".join(lines)


def _shown(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}"
