"""Flags of a command that uses a model: the options of all tasks; its own refuses the others."""

import dataclasses
import inspect
from collections.abc import Callable, Collection, Sequence
from typing import Annotated, Any, TypeVar

from cyclopts import Group, Parameter

from recurra.cli.whole import whole
from recurra.tasks.catalogue import TASKS
from recurra.tasks.task import Task

GROUPS = ("data", "model", "regularisation", "optimisation", "decoding", "run")


def parameter(name: str, kind: Any, default: Any, text: str, group: str) -> inspect.Parameter:
    """Return a flag as a signature has it."""
    described = Parameter(
        help=text,
        group=Group(group.capitalize(), sort_key=GROUPS.index(group)),
        converter=whole if int in (kind, *getattr(kind, "__args__", ())) else None,
    )
    return inspect.Parameter(
        name,
        inspect.Parameter.KEYWORD_ONLY,
        default=default,
        annotation=Annotated[kind, described],
    )


def of_task(task: Task[Any], without: Collection[str] = ()) -> list[inspect.Parameter]:
    """Return a flag for each field of a task's recipe, with the task's default."""
    kinds, found = task.recipe.hints(), []
    for field in dataclasses.fields(task.recipe):
        if field.name not in without:
            default = task.defaults.get(field.name, field.default)
            text, group = field.metadata["help"], field.metadata["group"]
            found.append(parameter(field.name, kinds[field.name], default, text, group))
    return found


F = TypeVar("F", bound=Callable[..., Any])


def signed(command: F, parameters: Sequence[inspect.Parameter], doc: str | None) -> F:
    """Return a command that has these flags, and this help."""
    # a function's signature may be set, which the type of functions does not say
    command.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    command.__annotations__ = {p.name: p.annotation for p in parameters}
    command.__doc__ = doc
    return command


def with_options(
    command: Callable[..., Any], *groups: str, tasks: Collection[str] = ()
) -> Callable[..., Any]:
    """Have a command's `**fields` take what the tasks have in these groups of their options.

    Args:
        command: its last parameter is `**fields`; flags that it has itself are its own.
        groups: of options, as `training.values.option` names them.
        tasks: by name, those that the command is for; none: all.
    """
    whose = [task for task in TASKS if not tasks or task.name in tasks]
    signature = inspect.signature(command, eval_str=True)
    own = [p for p in signature.parameters.values() if p.kind is not p.VAR_KEYWORD]
    taken = {p.name for p in own}
    found: dict[str, tuple[Any, Any, list[str]]] = {}
    for task in whose:
        for field in dataclasses.fields(task.recipe):
            if field.metadata["group"] in groups and field.name not in taken:
                kind = task.recipe.hints()[field.name]
                found.setdefault(field.name, (field, kind, []))[2].append(task.name)
    for name, (field, kind, names) in found.items():
        text, group = field.metadata["help"], field.metadata["group"]
        some = "" if len(names) == len(whose) else f" ({', '.join(names)})"
        own.append(parameter(name, kind | None, None, text + some, group))

    def run(*args: Any, **given: Any) -> Any:
        for name in [name for name in found if given.get(name) is None]:
            given.pop(name, None)
        return command(*args, **given)

    run.__name__ = command.__name__
    return signed(run, own, command.__doc__)


def check_fields(fields: dict[str, Any]) -> None:
    """Refuse values that no task takes, before a model is loaded.

    Raises:
        RecurraError: a value is not of its field's kind or range.
    """
    for name, value in fields.items():
        next(task.recipe for task in TASKS if name in task.options).of({name: value})
