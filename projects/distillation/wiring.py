"""The tables that connect model outputs to connectors and losses, checked when the model is built.

A source is ``student.<name>``, ``teacher.<name>``, ``data.<name>`` or ``shared.<name>``, and ``.<key>`` behind it picks
a tensor out of a dict. In connector inputs ``model.<name>`` means "of the student, and again of the teacher".
"""

import inspect
from collections.abc import Collection, Iterable, Mapping
from typing import Any

import torch
from torch import nn

Table = Mapping[str, Mapping[str, str]]


def check_signature(kind: str, name: str, module: nn.Module, arguments: Collection[str]) -> None:
    """Compare the wired arguments with ``module.forward``.

    Args:
        kind (str): What the module is, for the message.
        name (str): Its name in the config.
        module (nn.Module): The module.
        arguments (Collection[str]): Names the config wires.

    Raises:
        ValueError: If an argument is unknown or a required one is not wired.
    """
    parameters = inspect.signature(module.forward).parameters.values()
    named = [p for p in parameters if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)]
    known = {p.name for p in named}
    required = {p.name for p in named if p.default is p.empty}
    catch_all = any(p.kind is p.VAR_KEYWORD for p in parameters)
    unknown = sorted(set(arguments) - known) if not catch_all else []
    absent = sorted(required - set(arguments))
    if unknown or absent:
        raise ValueError(
            f'{kind} {name!r} ({type(module).__name__}): unknown arguments {unknown}, arguments without a source '
            f'{absent}; its forward takes {sorted(known)}'
        )


def split_source(source: Any, prefixes: Collection[str], where: str) -> tuple[str, str, list[str]]:
    """Split ``prefix.name.key`` and check the prefix.

    Args:
        source (Any): A source from the config.
        prefixes (Collection[str]): Allowed prefixes.
        where (str): Place in the config, for the message.

    Returns:
        tuple[str, str, list[str]]: Prefix, name and keys.

    Raises:
        ValueError: If it is no such string.
    """
    parts = source.split('.') if isinstance(source, str) else []
    if len(parts) < 2 or parts[0] not in prefixes or not all(parts):
        raise ValueError(f'{where}: source must be one of {[f"{p}.<name>" for p in prefixes]}, got {source!r}')
    return parts[0], parts[1], parts[2:]


def connector_side(name: str, inputs: Mapping[str, str]) -> str:
    """Tell for which model a connector runs.

    Returns:
        str: 'model' (student and teacher), 'student' or 'teacher'. A connector that reads both is the student's.

    Raises:
        ValueError: If it reads no model, or mixes ``model.*`` with one of them.
    """
    prefixes = {source.split('.')[0] for source in inputs.values() if isinstance(source, str)}
    models = prefixes & {'model', 'student', 'teacher'}
    if 'model' in models and len(models) > 1:
        raise ValueError(f'connector_inputs.{name}: model.* cannot be mixed with student.* or teacher.*')
    if not models:
        raise ValueError(f'connector_inputs.{name} reads no model; a module that needs data only belongs to `shared`')
    return 'model' if 'model' in models else 'student' if 'student' in models else 'teacher'


def rows_of(table: str, rows: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    """A wiring table with rows of its own.

    Raises:
        TypeError: If a row is no dict.
    """
    for name, row in rows.items():
        if not isinstance(row, Mapping):
            raise TypeError(f'{table}.{name} must be a dict of argument=source, got {row!r}')
    return {name: dict(row) for name, row in rows.items()}


def check_loss_row(name: str, row: Mapping[str, str], connectors: Collection[str]) -> None:
    """Refuse a loss that cannot teach the student, because it reads the wrong model.

    Args:
        name (str): Name of the loss.
        row (Mapping[str, str]): Its sources by argument. What is called ``student*`` or ``teacher*`` is taken at its
            word.
        connectors (Collection[str]): Names of the connectors, which a loss may train as well.

    Raises:
        ValueError: If an argument of the student reads the teacher, both have one source, or nothing that is read
            learns.
    """
    for argument, source in row.items():
        place = f'loss_inputs.{name}.{argument}'
        if not argument.startswith('student'):
            continue
        if source.startswith('teacher.'):
            raise ValueError(f'{place} reads {source!r}: an argument of the student needs a source of student.*')
        twins = [other for other, its in row.items() if other.startswith('teacher') and its == source]
        if twins:
            raise ValueError(f'{place} and {twins[0]} both read {source!r}: the loss would compare it with itself')
    paths = [source.split('.') for source in row.values()]
    if not any(path[0] == 'student' or path[1] in connectors for path in paths):
        raise ValueError(
            f'loss_inputs.{name} reads {sorted(row.values())}: without a source of student.* it trains no student'
        )


def same_names(what: str, modules: Iterable[str], table: Iterable[str]) -> None:
    """Require a row of the wiring table for each module and the other way round.

    Args:
        what (str): 'connector' or 'loss'.
        modules (Iterable[str]): Names of the modules.
        table (Iterable[str]): Names of the rows.

    Raises:
        ValueError: If they differ.
    """
    built, wired = set(modules), set(table)
    if built != wired:
        plural = 'losses' if what == 'loss' else f'{what}s'
        raise ValueError(
            f'{plural} and {what}_inputs must have the same names: only in {plural} '
            f'{sorted(built - wired)}, only in {what}_inputs {sorted(wired - built)}'
        )


def pick(values: Mapping[str, Any], source: str, where: str) -> Any:
    """Read a source at run time.

    Args:
        values (Mapping[str, Any]): Results by prefix, each a dict by name.
        source (str): The source.
        where (str): Place in the config, for the message.

    Returns:
        Any: The tensor or dict.

    Raises:
        KeyError: If there is no such name; lists the names there are.
    """
    found: Any = values
    path = ''
    for part in source.split('.'):
        if not isinstance(found, Mapping) or part not in found:
            there = sorted(found) if isinstance(found, Mapping) else type(found).__name__
            raise KeyError(f'{where}: {source!r} is not there; {path or "sources"} has {there}')
        found = found[part]
        path = f'{path}.{part}' if path else part
    return found


class BatchData(Mapping):
    """The ``data.*`` sources: fields of the data samples, stacked, or entries of the model's inputs.

    Args:
        inputs (dict): Inputs of the model.
        data_samples (list, optional): Data samples of the batch.
    """

    def __init__(self, inputs: dict, data_samples: list | None) -> None:
        self._inputs = inputs
        self._samples = data_samples or []

    def __contains__(self, name: object) -> bool:
        return any(name in sample for sample in self._samples) or name in self._inputs

    def __iter__(self) -> Any:
        fields = {name for sample in self._samples for name in sample.all_keys()}
        return iter(sorted(fields | set(self._inputs)))

    def __len__(self) -> int:
        return len(list(iter(self)))

    def __getitem__(self, name: str) -> Any:
        having = [sample for sample in self._samples if name in sample]
        if not having:
            return self._inputs[name]
        if len(having) < len(self._samples):
            raise KeyError(f'data.{name}: {len(self._samples) - len(having)} of {len(self._samples)} samples lack it')
        fields = [sample.get(name) for sample in having]
        if all(isinstance(f, torch.Tensor) and f.shape == fields[0].shape for f in fields):
            return torch.stack(fields)
        return fields
