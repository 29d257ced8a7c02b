"""Reading configs: what is misspelt, changes nothing or is not there is an error that names the key that was meant."""

import difflib
import inspect
import os
import re
import traceback
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mmengine.config import Config
from mmengine.registry import DATA_SAMPLERS, DATASETS, HOOKS, LOOPS, METRICS, MODELS, OPTIM_WRAPPERS, TRANSFORMS
from mmengine.runner import Runner

from .config_builds import ConfigError
from .config_parts import check_config_parts
from .config_places import name_places, places_of, walk
from .config_types import explain_unknown_type
from .config_variables import is_misspelt, read_config_file, unread_names

_MMENGINE_KEYS = frozenset(
    {
        'activation_checkpointing',
        'compile',
        'custom_imports',
        'efficient_conv_bn_eval',
        'find_unused_parameters',
        'load_from_allow_missing',
        'model_wrapper_cfg',
        'runner_type',
        'sync_bn',
        'tta_model',
        'tta_pipeline',
    }
)
RUNNER_KEYS = frozenset(inspect.signature(Runner.__init__).parameters) - {'self', 'cfg'} | _MMENGINE_KEYS
"""Top-level keys that the Runner, MMEngine or ``tools/`` read; all others are variables of the config files."""


_OURS = Path(__file__).resolve().parents[2] / 'configs'


def _configs_below(roots: Iterable[Path]) -> dict[str, Path]:
    """Config files by name, without the parts in ``_base_``."""
    files = {file.stem: file for root in roots if root.is_dir() for file in sorted(root.rglob('*.py'))}
    return {stem: file for stem, file in files.items() if '_base_' not in file.parts}


def _not_found(path: str, files: Mapping[str, Path]) -> ConfigError:
    """Error that suggests configs with a similar name."""
    close = ''.join(f'\n    {files[stem]}' for stem in difflib.get_close_matches(Path(path).stem, files, n=3))
    hint = f'. The nearest are{close}' if close else '; the configs are in configs/<method>/*.py'
    return ConfigError(f'config not found: {path}{hint}')


def find_config(name: str | os.PathLike) -> str:
    """Path of a config that is given as a path, or by its name in the folder ``configs`` (here or of this project).

    Raises:
        ConfigError: If there is no config of that name; names those with a similar one.
    """
    path = os.fspath(name)
    if Path(path).suffix == '.py' or Path(path).is_file():
        return path
    files = _configs_below([_OURS, Path('configs')])
    if path not in files:
        raise _not_found(f'{path}.py', files)
    return os.fspath(files[path])


def _short(path: str | os.PathLike) -> str:
    """A path as one would type it: relative where it is below the current directory."""
    relative = os.path.relpath(path)
    return os.fspath(path) if relative.startswith('..') else relative


def _load(path: str) -> Config:
    if not Path(path).is_file():
        raise _not_found(path, _configs_below([Path('configs'), Path(path).parent]))
    try:
        return Config.fromfile(path)
    except (Exception, SystemExit) as error:
        # A config file is a module that MMEngine runs.
        frames = traceback.extract_tb(error.__traceback__)
        files = [f for f in frames if f.name == '<module>' and f.filename != frames[0].filename]
        place = f'{_short(files[-1].filename)}, line {files[-1].lineno}' if files else path
        text = error.args[0] if isinstance(error, KeyError) and error.args else error
        raise ConfigError(f'{place}: {type(error).__name__}: {text}') from error


def _check_complete(cfg: Config, path: str | os.PathLike) -> None:
    """Refuse a file that no tool could do anything with, such as an empty one."""
    if not isinstance(cfg.get('model'), Mapping):
        raise ConfigError(
            f"{_short(path)} has no 'model', so there is nothing to train or test; inherit a config of "
            'configs/<method>/ with _base_'
        )


def _explain_unread(cfg: Mapping, name: str, tail: str = '') -> str:
    """Say which key was meant by a name that nothing reads."""
    if is_misspelt(name, RUNNER_KEYS):
        return f'did you mean {difflib.get_close_matches(name, RUNNER_KEYS, n=1)[0] + tail!r}?'
    places = places_of(cfg, name, RUNNER_KEYS)
    if places:
        return f'set {name_places([place + tail for place in places])}'
    return 'no key of this config has that name or its value'


def check_config_keys(cfg: Config) -> None:
    """Refuse top-level names that nobody reads.

    A config hands values to the Runner under the names in :data:`RUNNER_KEYS`. Any other name is a variable, which
    counts only where a config file reads it: see :func:`projects.engine.config_variables.unread_names`.

    Args:
        cfg (Config): The merged config. One that was made without a file is taken to read none of its variables.

    Raises:
        ConfigError: If a name is misspelt or read by nothing; the message names the key that was meant.
    """
    unread: dict[str, Path | None]
    if getattr(cfg, 'filename', None):
        unread = unread_names(read_config_file(Path(cfg.filename).resolve()), RUNNER_KEYS)
    else:
        unread = dict.fromkeys(name for name in cfg if name not in RUNNER_KEYS and not name.startswith('_'))
    if unread:
        lines = [
            f'{name!r}{f" of {_short(path)}" if path else ""} is read by nothing: {_explain_unread(cfg, name)}'
            for name, path in unread.items()
        ]
        raise ConfigError(
            '\n'.join(lines) + '\n(a top-level name counts if the Runner reads it, or if a config file does: the same '
            'file by its name, a child as _base_.name)'
        )


def _check_options(cfg: Config, options: Mapping[str, Any]) -> None:
    """Refuse options that would change a variable which no file reads any more, or nothing at all."""
    problems = []
    for key in options:
        name, dot, tail = key.partition('.')
        if name not in RUNNER_KEYS:
            problems.append(f'--cfg-options {key} would change nothing: {_explain_unread(cfg, name, dot + tail)}')
    if problems:
        raise ConfigError('\n'.join(problems))


def read_config(path: str | os.PathLike, options: Mapping[str, Any] | None = None) -> Config:
    """Read a config file with its bases, change values, and keep what the Runner reads.

    Args:
        path (str or PathLike): The file.
        options (Mapping | None): Values of ``--cfg-options`` by dotted key. Defaults to None.

    Returns:
        Config: The merged config without the variables of its files, which count no more once they have been read. So a
        dump of it holds only keys that change something.

    Raises:
        ConfigError: If there is no such file, it cannot be evaluated, has no model, or a name, a key or an option would
            change nothing.
    """
    cfg = _load(os.fspath(path))
    check_config_keys(cfg)
    _check_options(cfg, options or {})
    cfg.merge_from_dict(dict(options or {}))
    check_config_parts(cfg.to_dict())
    if '_base_' not in Path(path).parts:  # parts of configs, which show what data look like, for instance
        _check_complete(cfg, path)
    for name in [name for name in cfg if name not in RUNNER_KEYS]:
        cfg.pop(name)
    return cfg


def config_of_run(
    path: str | os.PathLike, options: Mapping[str, Any] | None, work_dir: str | None, launcher: str
) -> Config:
    """Config of a training or a test: :func:`read_config`, with what its command line says of every run.

    Args:
        path (str or PathLike): The file.
        options (Mapping | None): Values of ``--cfg-options`` by dotted key.
        work_dir (str | None): ``--work-dir``. None for that of the config, else ``work_dirs/<name of the config>``.
        launcher (str): ``--launcher``.

    Returns:
        Config: With ``launcher`` and ``work_dir``.

    Raises:
        ConfigError: As :func:`read_config`.
    """
    cfg = read_config(path, options)
    cfg.launcher = launcher
    cfg.work_dir = work_dir or cfg.get('work_dir') or str(Path('work_dirs') / Path(path).stem)
    return cfg


def _as_dict(cfg: Any) -> Any:
    return cfg.to_dict() if isinstance(cfg, Config) else cfg


@contextmanager
def naming_config_keys(cfg: Any, where: str = '') -> Iterator[None]:
    """Turn the error of an unknown type, an unknown argument, or of torchvision that is absent, into one with the key.

    Args:
        cfg (Any): The config that is built inside the context, or a part of it.
        where (str): Name of that part. Defaults to '' (the whole config).

    Raises:
        ConfigError: If a type is not registered, a key of the config is unknown to the class it builds, or asks for
            torchvision in vain.
    """
    try:
        yield
    except TypeError as error:
        message = explain_unknown_argument(error, _as_dict(cfg), where)
        if message is None:
            raise
        raise ConfigError(message) from error
    except KeyError as error:
        message = explain_unknown_type(error, _as_dict(cfg), where, _REGISTRIES)
        if message is None:
            raise
        raise ConfigError(message) from error
    except ModuleNotFoundError as error:
        places = [path for path, _, value in walk(_as_dict(cfg), where) if str(value).startswith('torchvision://')]
        if error.name != 'torchvision' or not places:
            raise
        raise ConfigError(
            f'{name_places(places)}: torchvision:// needs torchvision, which is not installed; '
            "'imagenet://resnet50' gives the same weights without it"
        ) from error


_UNKNOWN_ARGUMENT = re.compile(r"(\w+)\.__init__\(\) got an unexpected keyword argument '(\w+)'")
_REGISTRIES = (MODELS, DATASETS, TRANSFORMS, METRICS, HOOKS, LOOPS, OPTIM_WRAPPERS, DATA_SAMPLERS)


def _places(cfg: Any, where: str, class_name: str, key: str) -> list[str]:
    """Paths of a key in the dicts that build a class; else in dicts without a type, such as ``train_cfg``."""
    parts = [(path, part) for path, _, part in [(where, '', cfg), *walk(cfg, where)]]
    parts = [(path, part) for path, part in parts if isinstance(part, Mapping) and key in part]
    named = [path for path, part in parts if str(part.get('type')).rsplit('.', 1)[-1] == class_name]
    paths = named or [path for path, part in parts if 'type' not in part]
    return [f'{path}.{key}' if path else key for path in paths]


def _find_class(class_name: str) -> type | None:
    for root in _REGISTRIES:
        with root.switch_scope_and_registry(None) as registry:
            found = registry.get(class_name)
        if found is not None:
            return found
    return None


def explain_unknown_argument(error: TypeError, cfg: Any, where: str = '') -> str | None:
    """Say which key of a config a constructor did not know, and which keys it knows.

    Args:
        error (TypeError): Raised while something was built.
        cfg (Any): The config, or a part of it.
        where (str): Name of that part. Defaults to '' (the whole config).

    Returns:
        str or None: The message; None when the error has another cause.
    """
    match = _UNKNOWN_ARGUMENT.search(str(error))
    places = _places(cfg, where, *match.groups()) if match else []
    if not match or not places:
        return None
    class_name, key = match.groups()
    built = _find_class(class_name)
    known = [name for name in inspect.signature(built).parameters if name != 'self'] if built else []
    close = difflib.get_close_matches(key, known, n=1)
    hint = f' (did you mean {close[0]!r}?)' if close else ''
    return f'unknown config key {", ".join(places)}{hint}; {class_name} takes {", ".join(known)}'
