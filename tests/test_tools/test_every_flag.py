"""Every tool with every documented flag, on both tasks where it serves both, on tiny data: the table is sweep.py."""

import pickle
import re
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))

from sweep import BOTH_TASKS, COMMANDS, DEPTH, ELSEWHERE, NAMES, OCC, ONE_TASK, ROWS

SMALL = """
train_cfg = dict(max_epochs=1, val_interval=1)
train_dataloader = dict(batch_size=1, num_workers=0, dataset=dict(indices=2))
val_dataloader = dict(batch_size=1, num_workers=0, dataset=dict(indices=1))
test_dataloader = dict(batch_size=1, num_workers=0, dataset=dict(indices=1))
default_hooks = dict(logger=dict(interval=1))
"""
# The smallest images are 128 x 416.
CROPS = """
_steps = _base_.train_dataloader.dataset.pipeline
_pipeline = [dict(step, size=(96, 320)) if step['type'] == 'StereoCrop' else step for step in _steps]
train_dataloader['dataset']['pipeline'] = _pipeline
"""
CONFIGS = {
    'occ.py': ('flashocc/flashocc_mini_1xb1-7e_minidrive.py', ''),
    'occ_tta.py': ('flashocc/flashocc_mini_1xb1-7e_minidrive_tta.py', ''),
    'occ_teacher.py': ('bevfusion_occ/bevfusion-occ_mini_1xb1-7e_minidrive.py', ''),
    'radocc.py': (
        'radocc/radocc_bevfusion-mini_flashocc-mini_1xb1-4e_minidrive.py',
        "model = dict(teacher_ckpt='teacher_occ/epoch_1.pth', student_ckpt='run_occ/epoch_1.pth')\n"
        "custom_hooks = [dict(type='EMAHook')]\n",
    ),
    'mono.py': ('mono_depth/mono-depth_mini_1xb4-12e_minidrive.py', CROPS),
    'stereo.py': ('stereo_depth/stereo-depth_mini_1xb4-6e_minidrive.py', CROPS),
    'adudepth.py': (
        'adudepth/adudepth_stereo-mini_mono-mini_1xb4-12e_minidrive.py',
        f"{CROPS}model = dict(teacher_ckpt='teacher_depth/epoch_1.pth')\ncustom_hooks = [dict(type='EMAHook')]\n",
    ),
}


@pytest.fixture(scope='module')
def folder(repo, tmp_path_factory, minidrive_root, kitti_root):
    """Small configs, data sets that the commands find complete, and a place for everything the commands write."""
    root = tmp_path_factory.mktemp('sweep')
    for data in (minidrive_root, kitti_root):
        shutil.copytree(data, root / 'data' / data.name)
    (root / 'configs').symlink_to(repo / 'configs')
    for name, (base, extra) in CONFIGS.items():
        (root / name).write_text(f"_base_ = '{repo}/configs/{base}'\n{SMALL}{extra}")
    return root


def add_inputs(root):
    """Files that commands without a model read: info files of one frame, and point labels with a prediction."""
    for name, infos in (('one.pkl', NAMES[OCC]['infos']), ('one_depth.pkl', NAMES[DEPTH]['infos'])):
        path = root / infos
        if path.is_file() and not (root / name).is_file():
            content = pickle.loads(path.read_bytes())
            content['data_list'] = content['data_list'][:1]
            (root / name).write_bytes(pickle.dumps(content))
    if (root / 'one.pkl').is_file() and not (root / 'seg_gt').is_dir():
        lidar = pickle.loads((root / 'one.pkl').read_bytes())['data_list'][0]['lidar_points']
        points = (root / NAMES[OCC]['data'] / 'samples/LIDAR_TOP' / lidar['lidar_path']).stat().st_size // 20
        for place, value in (('seg_gt', 17), ('seg_pred', 4)):
            (root / place).mkdir()
            path = root / place / f'{lidar["sample_data_token"]}_lidarseg.bin'
            path.write_bytes(np.full(points, value, np.uint8).tobytes())


@pytest.mark.parametrize('row', ROWS, ids=lambda row: row.name)
def test_command(row, tool_server, folder):
    add_inputs(folder)
    names = NAMES[row.task]
    arguments = [part.format(**names) for part in row.arguments.split()]
    outcome = tool_server.run([row.tool, *arguments], folder)
    assert outcome.code == row.code, outcome
    text, _, path = row.expects.format(**names).partition('->')
    assert text in outcome.output, outcome
    if row.code and '--traceback' not in arguments:
        assert 'Traceback' not in outcome.output, outcome
    if path:
        found = folder / path
        assert found.is_file() or any(found.iterdir()), path


def documented(tool_server, folder, tool, command):
    """Long flags in the help of a command; several spellings of one flag count as one."""
    text = tool_server.run([tool, *command.split(), '--help'], folder).output
    usage = text.split('\n\n')[0]
    flags = set(re.findall(r'(?<![\w-])(--[a-z][\w-]*)', usage))
    return flags - {'--help'}


@pytest.mark.parametrize('tool', COMMANDS)
def test_every_documented_flag_is_in_the_table(tool, tool_server, folder):
    missing = []
    for command in COMMANDS[tool]:
        for task in (OCC, DEPTH) if tool in BOTH_TASKS else (None,):
            rows = [row for row in ROWS if row.tool == tool and row.arguments.startswith(command)]
            used = {word for row in rows if task in (None, row.task) for word in row.arguments.split()}
            # The tool reads it itself, whatever the command.
            used |= {'--traceback'} & {word for row in ROWS if row.tool == tool for word in row.arguments.split()}
            for flag in documented(tool_server, folder, tool, command) - used:
                if ONE_TASK.get((tool, flag), task) == task:
                    missing.append((command, task, flag))
    assert not missing


def test_every_tool_is_in_the_table(repo):
    tools = {str(path.relative_to(repo)) for path in (repo / 'tools').rglob('*.py')}
    runnable = {name for name in tools if "__name__ == '__main__'" in (repo / name).read_text(encoding='utf-8')}
    assert runnable == set(COMMANDS) | set(ELSEWHERE) - {name for name in ELSEWHERE if not (repo / name).is_file()}
