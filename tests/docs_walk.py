"""A folder in which the commands of the documentation run one after another, with small copies of the configs."""

import os
import pickle
import re
import shlex
import shutil
import socket
import subprocess
import sys

import docs_plan
import torch
from docs_blocks import PAGES, REPO, blocks, commands
from mmdet3d.apis import init_model
from mmdet3d.registry import DATASETS
from mmengine.dataset import pseudo_collate


def free_port():
    with socket.socket() as server:
        server.bind(('127.0.0.1', 0))
        return server.getsockname()[1]


def _turn(page):
    """README first, then the pages of docs in the order in which a reader needs them, then the configs."""
    first = ('README.md', 'docs/nuscenes.md', 'docs/kitti.md', 'docs/evaluation.md')
    return (first.index(page), page) if page in first else (len(first), page)


def steps(task):
    """What is run for a task in the order of the pages: (page, line, command)."""
    found = []
    for page in sorted(PAGES, key=_turn):
        own = [
            (page, line, docs_plan.small(page, command))
            for at, line, command in commands()
            if at == page and docs_plan.task_of(page, command) == task and not docs_plan.why_not_run(command)
        ]
        found += [(page, 0, command) for command in docs_plan.BEFORE.get(page, ()) if own] + own
    return found


class Walk:
    """Runs the commands of one task in their order, each once.

    Training commands that differ in ``--amp`` only are one command.

    Args:
        task (str): 'occupancy' or 'depth'.
        folder (Path): Where the commands run.
        data (Path): The smallest MiniDrive for the task. The folder begins with a copy, which the command that makes
            the data finds complete.
        tool_server (ToolServer): Runs the tools.
    """

    def __init__(self, task, folder, data, tool_server):
        self.folder, self.tool_server = folder, tool_server
        self.steps = steps(task)
        self.results = {}
        for name in ('tools', 'projects'):
            (folder / name).symlink_to(REPO / name)
        shutil.copytree(data, folder / 'data' / data.name)
        shutil.copytree(REPO / 'configs', folder / 'configs', ignore=shutil.ignore_patterns('__pycache__'))
        for path in (folder / 'configs').rglob('*.py'):
            text = path.read_text(encoding='utf-8')
            for pattern, replacement in docs_plan.SMALL_CONFIGS:
                text = re.sub(pattern, replacement, text)
            path.write_text(text, encoding='utf-8')
        for block in (block for page in PAGES for block in blocks(page) if block.file):
            self.write(block.file, block.text)

    def write(self, name, text):
        """Write a file of the documentation, made small like commands."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        for pattern, replacement in docs_plan.SUBSTITUTIONS:
            text = re.sub(pattern, replacement, text)
        path.write_text(text, encoding='utf-8')

    def through(self, place):
        """Run the commands up to a place and return the result of the last one."""
        for _, _, command in self.steps[:place]:
            self.run(command)
        return self.run(self.steps[place][2])

    def run(self, command):
        """Run a command as a reader would, unless it ran before."""
        key = re.sub(r' --amp$', '', command)
        if key not in self.results:
            self.results[key] = self._run(command)
            if 'create_data' in command:
                self.keep_few_frames()
        return self.results[key]

    def keep_few_frames(self):
        """Shorten the info files, as the time of training and testing follows the number of frames."""
        for path in self.folder.glob('data/*/*_infos_*.pkl'):
            content = pickle.loads(path.read_bytes())
            content['data_list'] = content['data_list'][: docs_plan.FRAMES[path.name]]
            path.write_bytes(pickle.dumps(content))

    def _run(self, command):
        words = shlex.split(command)
        if words[0] == 'python' and words[1].startswith('tools/') and not set(command) & set('|&;<>$*`'):
            done = self.tool_server.run(words[1:], self.folder, env={'PYTHONPATH': str(self.folder)})
            return subprocess.CompletedProcess(command, done.code, done.stdout, done.stderr)
        path = os.pathsep.join([os.path.dirname(sys.executable), os.environ['PATH']])
        environment = {**os.environ, 'PATH': path, 'PYTHONPATH': str(self.folder), 'PORT': str(free_port())}
        return subprocess.run(
            ['bash', '-c', command], cwd=self.folder, env=environment, capture_output=True, text=True, timeout=900
        )


@torch.no_grad()
def predict_first_frame(config, checkpoint):
    """What the table of the README says about your own Python: returns the model and a sample with predictions."""
    model = init_model(str(config), checkpoint, device='cpu')
    (sample,) = model.test_step(pseudo_collate([DATASETS.build(model.cfg.test_dataloader.dataset)[0]]))
    return model, sample
