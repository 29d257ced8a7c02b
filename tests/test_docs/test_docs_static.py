"""Every block, command, path and flag of the documentation is accounted for and exists."""

import argparse
import ast
import fnmatch
import importlib
import itertools
import re
import runpy
import shlex
import sys

import docs_plan
import pytest
import torch
from docs_blocks import PAGES, REPO, blocks, commands, spans, without_blocks
from docs_classes import unknown_names
from docs_walk import steps
from mmdet3d.registry import DATASETS, HOOKS, METRICS, MODELS, TRANSFORMS, VISBACKENDS, VISUALIZERS
from mmengine.config import Config
from mmengine.utils import import_modules_from_strings

ALL_BLOCKS = [block for page in PAGES for block in blocks(page)]
PYTHON_BLOCKS = [block for block in ALL_BLOCKS if block.language == 'python']
COMMANDS = sorted({command for _, _, command in commands()})
SCRIPTS = {'tools/dist_train.sh': ('tools/train.py', 2), 'tools/dist_test.sh': ('tools/test.py', 3)}
REGISTRIES = (MODELS, DATASETS, METRICS, TRANSFORMS, HOOKS, VISBACKENDS, VISUALIZERS)
CONFIGS = {path.stem: path for path in REPO.glob('configs/*/*.py')}


class CommandUnderstoodError(Exception):
    """The command line of a tool was parsed."""


@pytest.fixture
def understand(monkeypatch, capsys):
    """Give a tool its command line and stop before it does anything."""
    parse = argparse.ArgumentParser.parse_args

    def parse_and_stop(parser, args=None, namespace=None):
        given = sys.argv[1:] if args is None else list(args)
        parsed = parse(parser, given, namespace)
        if given and given[-1] is not sys.argv[-1]:  # a tool may parse its first words alone
            return parsed
        raise CommandUnderstoodError

    def understand(tool, arguments):
        monkeypatch.setattr(argparse.ArgumentParser, 'parse_args', parse_and_stop)
        monkeypatch.setattr(sys, 'argv', [tool, *arguments])
        monkeypatch.syspath_prepend(str((REPO / tool).parent))
        try:
            runpy.run_path(str(REPO / tool), run_name='__main__')
        except CommandUnderstoodError:
            return
        except SystemExit as end:
            if end.code == 0 and '--help' in arguments:
                return
        pytest.fail(f'{tool} does not understand {arguments}: {capsys.readouterr().err}')

    return understand


def expand(word):
    """Shell braces: 'a{b,c}' is 'ab' and 'ac'."""
    parts = re.split(r'\{([^}]*)\}', word)
    choices = [part.split(',') if i % 2 else [part] for i, part in enumerate(parts)]
    return [''.join(choice) for choice in itertools.product(*choices)]


def test_every_block_is_run_or_listed():
    for block in ALL_BLOCKS:
        if block.language == 'python':
            listed = block.file or (block.page, block.first_line) in docs_plan.FRAGMENTS
        elif block.language == 'bash':
            listed = True  # its commands are in the next test
        else:
            listed = any(block.page == page and block.text.startswith(start) for page, start, _ in docs_plan.NO_CODE)
        assert listed, f'{block} is neither run nor listed in tests/docs_plan.py: {block.first_line}'


def test_no_command_of_the_pages_is_overlooked():
    """Tools that any line of a page starts, against those of the commands that are run or listed."""
    run = [(page, command) for task in (docs_plan.OCCUPANCY, docs_plan.DEPTH) for page, _, command in steps(task)]
    listed = [(page, command) for page, _, command in commands() if docs_plan.why_not_run(command)]
    for page in PAGES:
        text = (REPO / page).read_text(encoding='utf-8')
        seen = re.findall(r'(?:python|bash) (tools/[\w/.]+)', text) + re.findall(r'`(tools/[\w/.]+\.py) \S', text)
        accounted = [command.split()[1] for own, command in run + listed if own == page and ' tools/' in command]
        accounted = accounted[len(docs_plan.BEFORE.get(page, ())) :]
        # A launcher of eight processes is run as the tool that it starts.
        seen, accounted = ([SCRIPTS.get(tool, (tool,))[0] for tool in tools] for tools in (seen, accounted))
        assert sorted(seen) == sorted(accounted), page


def test_the_plan_lists_nothing_that_is_not_there():
    text = '\n'.join((REPO / page).read_text(encoding='utf-8') for page in PAGES)
    for pattern, _ in docs_plan.NOT_RUN:
        assert any(re.fullmatch(pattern, command) for command in COMMANDS), pattern
    for pattern, _ in docs_plan.SUBSTITUTIONS:
        assert re.search(pattern, text, re.M) or any(re.search(pattern, command) for command in COMMANDS), pattern
    for words in docs_plan.PLACEHOLDERS.values():
        assert all(any(word in command for command in COMMANDS) for word in words)
    for page, start, _ in docs_plan.NO_CODE:
        assert any(block.page == page and block.text.startswith(start) for block in ALL_BLOCKS), (page, start)
    for (page, first), test in docs_plan.FRAGMENTS.items():
        assert any((block.page, block.first_line) == (page, first) for block in PYTHON_BLOCKS), (page, first)
        path, name = test.split('::')
        assert f'def {name}(' in (REPO / path).read_text(encoding='utf-8'), test


@pytest.mark.parametrize('command', COMMANDS)
def test_command_is_understood(command, understand):
    program, *words = shlex.split(command)
    if program == 'make':
        makefile = (REPO / 'Makefile').read_text(encoding='utf-8')
        assert re.search(rf'^{words[0]}:', makefile, re.M)
        assert all(re.search(rf'^{word.split("=")[0]} \?=', makefile, re.M) for word in words[1:])
    elif program == 'python' and '{' in command:
        for choice in itertools.product(*map(expand, words)):
            understand(choice[0], [*choice[1:], '--help'])
    elif program == 'python':
        understand(words[0], words[1:])
    elif program == 'bash' and words[0] not in SCRIPTS:
        assert (REPO / words[0]).is_file()
        assert docs_plan.why_not_run(command)
    elif program == 'bash':
        tool, own = SCRIPTS[words[0]]
        assert len(words) <= own or words[own].isdigit()  # how many processes
        understand(tool, words[1:own] + words[own + 1 :])
    else:
        assert docs_plan.why_not_run(command), f'unknown program {program}'


@pytest.mark.parametrize('command', COMMANDS)
def test_configs_and_checkpoints_of_a_command_exist(command):
    """A checkpoint is named after a config and after its last epoch."""
    own = {block.file for block in ALL_BLOCKS}
    for word in shlex.split(command):
        if word.startswith('configs/'):
            assert word in own or (REPO / word).is_file(), word
        checkpoint = re.fullmatch(r'work_dirs/(.+)/epoch_(\d+)\.pth', word)
        if checkpoint:
            trained = [CONFIGS[stem] for stem in fnmatch.filter(CONFIGS, checkpoint.group(1))]
            epochs = {Config.fromfile(path).train_cfg.max_epochs for path in trained}
            assert int(checkpoint.group(2)) in epochs, f'{word}: {epochs}'


def test_paths_in_the_text_exist():
    missing = []
    for page in PAGES:
        for line, span in spans(page):
            if re.fullmatch(r'(configs|docs|projects|tests|tools)/[\w./{},*-]+', span):
                found = [path for name in expand(span) for path in REPO.glob(name.rstrip('/'))]
                missing += [] if found or span == 'projects/__init__.py' else [f'{page}:{line}: {span}']
    assert not missing


@pytest.mark.parametrize('page', [*PAGES, 'CHANGELOG.md'])
def test_prose_is_at_most_120_columns_wide(page):
    """Tables, blocks of code and the addresses of links are left out."""
    lines = enumerate(without_blocks(page).split('\n'), start=1)
    shown = {number: re.sub(r'\]\([^)]*\)', ']', line) for number, line in lines if not line.startswith('|')}
    assert {number: line for number, line in shown.items() if len(line) > 120} == {}


def test_flags_in_the_text_exist():
    folders = ('tools/**', 'projects/cli', 'projects/studies')
    files = [path for folder in folders for path in REPO.glob(f'{folder}/*.py')]
    tools = '\n'.join(path.read_text(encoding='utf-8') for path in files)
    for page in PAGES:
        for line, span in spans(page):
            flag = re.match(r'--[\w-]+', span)
            assert not flag or f"'{flag.group()}'" in tools, f'{page}:{line}: no tool takes {span}'


def test_classes_in_the_text_exist_with_the_arguments_and_members_that_it_names():
    wrong = {f'{page}:{line}': names for page in PAGES for line, span in spans(page) if (names := unknown_names(span))}
    assert wrong == {}


@pytest.mark.parametrize(
    ('span', 'wrong'),
    [
        ('RayTrust', []),
        ('CameraRaySampler.source', []),
        ("FocalDepthLoss(gamma=0.0, tau=1)`, `dict(type='CWDLoss', tau=4.0)", []),
        ('RayTrusting', ['RayTrusting']),
        ('CameraRaySampler.sauce', ['CameraRaySampler.sauce']),
        ("FocalDepthLoss(gama=0.0)`, `dict(type='CWDLoss', taw=4.0)", ['FocalDepthLoss.gama', 'CWDLoss.taw']),
    ],
)
def test_a_class_argument_or_member_that_is_not_there_is_found(span, wrong):
    assert unknown_names(span) == wrong


def test_every_tool_is_named_on_a_page():
    named = {name for page in PAGES for _, span in spans(page) for name in expand(span.split(' ')[0])}
    named |= {word for command in COMMANDS for word in command.split()}
    tools = [path for path in REPO.glob('tools/**/*.py') if 'run_tool(' in path.read_text(encoding='utf-8')]
    tools += REPO.glob('tools/*.sh')
    names = {path.relative_to(REPO).as_posix() for path in tools}
    assert {name for name in names if not any(fnmatch.fnmatch(name, pattern) for pattern in named)} == set()


def test_files_and_tests_that_a_package_names_exist():
    """`connector.py` is below the package or its tests; `test_losses.py::test_rdc_*` has such functions."""
    missing, files = [], [*REPO.glob('projects/**/*.py'), *REPO.glob('tests/**/*.py'), *REPO.glob('configs/**/*.py')]
    for page in PAGES:
        if not page.startswith('projects/'):
            continue
        named = []
        for line, span in spans(page):
            found = re.fullmatch(r'([\w/{}*-]+\.py)?(?:::(test_[\w*]+))?', span)
            if not found:
                continue
            named = [path for name in expand(found[1]) for path in files if path.match(name)] if found[1] else named
            pattern = (found[2] or '').replace('*', r'\w*')
            texts = (path.read_text(encoding='utf-8') for path in named)
            if not named or not any(re.search(rf'def {pattern}\(', text) if pattern else True for text in texts):
                missing.append(f'{page}:{line}: {span}')
    assert missing == []


@pytest.mark.parametrize('block', PYTHON_BLOCKS, ids=str)
def test_names_in_python_blocks_exist(block):
    """Imports, and the types of configs, which are registered or defined by a block of the same page."""
    import_modules_from_strings(**Config.fromfile(REPO / 'configs/_base_/default_runtime.py').custom_imports)
    own = {
        name for other in PYTHON_BLOCKS if other.page == block.page for name in re.findall(r'class (\w+)', other.text)
    }
    for node in ast.walk(ast.parse(block.text)):
        if isinstance(node, ast.ImportFrom):
            assert all(hasattr(importlib.import_module(node.module), alias.name) for alias in node.names)
        elif isinstance(node, ast.Import):
            assert [importlib.import_module(alias.name) for alias in node.names]
        elif isinstance(node, ast.keyword) and node.arg == 'type':
            name = node.value.value
            assert name in own or any(registry.get(name) for registry in REGISTRIES), name


def test_example_of_the_renderer_runs():
    """The block of projects/rendering/README.md on a camera that looks forward: equal logits have no divergence."""
    (block,) = [block for block in PYTHON_BLOCKS if block.page == 'projects/rendering/README.md']
    logits = torch.randn(1, 200, 200, 16, 18)
    names = {
        'torch': torch,
        'pixels': torch.tensor([[[20.0, 10.0], [30.0, 12.0]]]),
        'cam2img': torch.tensor([[[200.0, 0.0, 100.0], [0.0, 200.0, 50.0], [0.0, 0.0, 1.0]]]),
        'cam2ego': torch.tensor(
            [[[0.0, 0.0, 1.0, 0.0], [-1.0, 0.0, 0.0, 0.0], [0.0, -1.0, 0.0, 1.5], [0.0, 0.0, 0.0, 1.0]]]
        ),
        'teacher_logits': logits,
        'student_logits': logits.clone().requires_grad_(),
    }
    exec('from projects.rendering import *\n' + block.text, names)
    assert names['rays_o'].shape == names['rays_d'].shape == (1, 2, 3)
    assert names['loss'].item() == pytest.approx(0.0, abs=1e-6)
    assert names['student'].opacities.min() > 0.5
