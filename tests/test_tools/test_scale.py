"""What docs/scale.md shows, on toy models: each command and each block is taken from the page."""

import re
import shlex
import subprocess
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
from docs_blocks import blocks, commands
from docs_walk import free_port
from mmengine.config import Config
from mmengine.registry import VISUALIZERS

from projects.engine import load_checkpoint_safe

PAGE = 'docs/scale.md'
# What srun does here: as many copies as tasks, each with its number. It fails when one of them does.
SRUN = """#!/usr/bin/env bash
while [ "$1" != bash ]; do
    case $1 in --ntasks=*) tasks=${1#*=} ;; esac
    shift
done
for ((i = 0; i < tasks; i++)); do
    SLURM_PROCID=$i SLURM_LOCALID=$i SLURM_NTASKS=$tasks "$@" &
    ids+=($!)
done
for id in "${ids[@]}"; do wait "$id" || exit 1; done
"""


def block(word):
    """The Python block of the page with a word."""
    (text,) = [found.text for found in blocks(PAGE) if found.language == 'python' and word in found.text]
    return text


def command(*words):
    """The only command of the page with all these words."""
    (text,) = [text for page, _, text in commands() if page == PAGE and all(word in text for word in words)]
    return text


def variables(*words):
    """What an ``export`` of the page sets."""
    return dict(pair.split('=') for pair in shlex.split(command('export', *words))[1:])


@pytest.fixture
def write_config(toys, tmp_path):
    """A config of the toy model, and a child of it with lines of the page."""

    def write(lines='', length=12, **options):
        cfg = toys.toy_config(tmp_path / 'unused', ema=False, **options)
        cfg['train_dataloader']['dataset']['length'] = length
        del cfg['work_dir'], cfg['experiment_name']
        Config(cfg).dump(tmp_path / 'toy.py')
        child = tmp_path / 'child.py'
        child.write_text(f"_base_ = './toy.py'\n{lines}")
        return child

    return write


def optimizer_steps(checkpoint):
    (steps,) = {int(state['step']) for state in checkpoint['optimizer']['state'].values()}
    return steps


def test_four_batches_make_one_step_of_the_optimizer(write_config, run_python, tmp_path):
    """An epoch is four batches of 3 of 12 samples."""
    flag = re.search(r'--cfg-options (\S+)', command('accumulative')).group(1)
    run_python('tools/train.py', write_config(epochs=2), '--work-dir', tmp_path / 'run', '--cfg-options', flag)
    checkpoint = load_checkpoint_safe(tmp_path / 'run/epoch_2.pth')
    assert checkpoint['meta']['iter'] == 8
    assert optimizer_steps(checkpoint) == 2


def test_checkpoint_holds_the_average_of_the_weights(write_config, run_python, tmp_path):
    """One step an epoch: the average begins with the weights after the first, then takes 0.001 of the next."""
    run_python('tools/train.py', write_config(block('EMAHook'), length=3, epochs=2), '--work-dir', tmp_path / 'run')
    first, second = (load_checkpoint_safe(tmp_path / f'run/epoch_{i}.pth') for i in (1, 2))
    for name in ('stem.0.weight', 'head.bias'):
        before, after = first['state_dict'][name], second['ema_state_dict'][f'module.{name}']
        assert not torch.equal(before, after)
        torch.testing.assert_close(second['state_dict'][name], 0.999 * before + 0.001 * after)


def test_tensorboard_gets_the_losses(write_config, run_python, tmp_path):
    event_accumulator = pytest.importorskip('tensorboard.backend.event_processing.event_accumulator')
    config = write_config(block('TensorboardVisBackend'), epochs=1)
    run_python('tools/train.py', config, '--work-dir', tmp_path / 'run')
    (folder,) = {path.parent for path in (tmp_path / 'run').rglob('events.out.tfevents.*')}
    events = event_accumulator.EventAccumulator(str(folder)).Reload()
    assert [event.step for event in events.Scalars('loss_toy')] == [1, 2, 3, 4]
    assert (folder / 'scalars.json').is_file()


def test_backend_of_wandb_is_built_without_its_package(tmp_path):
    path = tmp_path / 'log.py'
    path.write_text(block('Wandb'))
    visualizer = VISUALIZERS.build(
        {**Config.fromfile(path).visualizer, 'name': tmp_path.name, 'save_dir': str(tmp_path)}
    )
    assert list(visualizer._vis_backends) == ['LocalVisBackend', 'WandbVisBackend']
    assert visualizer._vis_backends['WandbVisBackend']._init_kwargs['project'] == 'geodistill3d'


def test_two_launches_on_two_machines_are_one_training(write_config, run_python, tmp_path):
    """12 samples in batches of 3 on two processes are two iterations; both machines are this one."""
    here = {'MASTER_ADDR': '127.0.0.1', 'PORT': str(free_port())}
    given = variables('NNODES')
    assert set(given) == {'NNODES', 'NODE_RANK', *here}
    config, work_dir = write_config(epochs=1), tmp_path / 'run'

    def launch(rank):
        environment = {**given, **here, 'NODE_RANK': str(rank)}
        return run_python('bash', 'tools/dist_train.sh', config, 1, '--work-dir', work_dir, **environment)

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(launch, range(int(given['NNODES']))))
    assert load_checkpoint_safe(work_dir / 'epoch_1.pth')['meta']['iter'] == 2
    assert len(list(work_dir.glob('*/vis_data/scalars.json'))) == 1


def test_slurm_starts_a_task_for_each_process(write_config, run_python, tmp_path, monkeypatch):
    (tmp_path / 'srun').write_text(SRUN)
    (tmp_path / 'srun').chmod(0o755)
    monkeypatch.setenv('PATH', str(tmp_path), prepend=':')
    places = {'PARTITION': 'cpu', 'JOB_NAME': 'job', 'CONFIG': write_config(epochs=1), 'WORK_DIR': tmp_path / 'run'}
    words = [places.get(word, word) for word in command('slurm_train').split()]
    assert set(variables('GPUS_PER_NODE')) == {'GPUS', 'GPUS_PER_NODE'}
    here = {'MASTER_ADDR': '127.0.0.1', 'MASTER_PORT': str(free_port())}
    run_python(*words, GPUS='2', GPUS_PER_NODE='0', **here)
    assert load_checkpoint_safe(tmp_path / 'run/epoch_1.pth')['meta']['iter'] == 2


@pytest.mark.parametrize('tool', ['train', 'test'])
@pytest.mark.parametrize(
    ('given', 'port'),
    [({}, '29500'), ({'SLURM_JOB_ID': '7654321'}, '24321'), ({'MASTER_PORT': '12345', 'SLURM_JOB_ID': '7'}, '12345')],
)
def test_two_slurm_jobs_on_one_node_have_ports_of_their_own(repo, tmp_path, tool, given, port):
    """What a task of the script gets, with srun and python replaced: 20000 + 7654321 mod 10000 = 24321."""
    (tmp_path / 'srun').write_text(SRUN)
    (tmp_path / 'python').write_text('#!/usr/bin/env bash\necho "$MASTER_ADDR $MASTER_PORT $OMP_WAIT_POLICY"\n')
    for name in ('srun', 'python'):
        (tmp_path / name).chmod(0o755)
    environment = {'PATH': f'{tmp_path}:/usr/bin:/bin', 'VIRTUAL_ENV': 'active', 'MASTER_ADDR': 'n1', 'GPUS': '1'}
    command = ['bash', str(repo / f'tools/slurm_{tool}.sh'), 'gpu', 'job', 'config.py', 'path']
    made = subprocess.run(command, env={**environment, **given}, capture_output=True, text=True, check=True)
    assert made.stdout.split() == ['n1', port, 'passive']
