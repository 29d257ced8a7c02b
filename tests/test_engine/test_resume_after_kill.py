"""Training killed with SIGKILL and resumed ends at the weights of an uninterrupted run, bit for bit."""

import json
import shutil

import pytest
import torch
from mmengine.config import Config

from projects.engine import CheckpointError, SafeRunner, load_checkpoint_safe, save_checkpoint_atomic
from projects.engine.resume import check_resumable, find_resumable, list_checkpoints
from projects.fileio import FolderInUseError

KILLED_RUN = """
import json, sys
from mmengine.config import Config
from mmengine.registry import RUNNERS
import toy_models
RUNNERS.build(Config(toy_models.toy_config(**json.loads(sys.argv[1])))).train()
"""

SOUND = {
    'state_dict': {},
    'optimizer': {'state': {}, 'param_groups': []},
    'message_hub': {'log_scalars': {}, 'runtime_info': {}, 'resumed_keys': {}},
    'meta': {'epoch': 2, 'iter': 8},
}


def train(toys, work_dir, **options):
    runner = SafeRunner.from_cfg(Config(toys.toy_config(work_dir, **options)))
    runner.train()
    if options.get('workers'):
        runner.train_dataloader._iterator._shutdown_workers()
    return max(work_dir.glob('*/*.log')).read_text()


def assert_same(a, b, where='checkpoint'):
    if isinstance(a, torch.Tensor):
        assert a.dtype == b.dtype, where
        assert torch.equal(a, b), where
    elif isinstance(a, dict):
        assert a.keys() == b.keys(), where
        for key in a:
            assert_same(a[key], b[key], f'{where}.{key}')
    elif isinstance(a, (list, tuple)):
        assert len(a) == len(b), where
        for i, (x, y) in enumerate(zip(a, b)):
            assert_same(x, y, f'{where}[{i}]')
    else:
        assert a == b, where


@pytest.mark.parametrize('options', [{'workers': 0, 'accumulate': 3}, {'workers': 2}])
def test_resumed_run_ends_at_the_same_bits(run_python, toys, tmp_path, options):
    whole, broken = tmp_path / 'whole', tmp_path / 'broken'
    train(toys, whole, **options)
    arguments = json.dumps({'work_dir': str(broken), 'kill_at': 9, **options})
    assert run_python('-c', KILLED_RUN, arguments, check=False).returncode == -9
    assert (broken / 'last_checkpoint').read_text() == str(broken / 'epoch_2.pth')
    log = train(toys, broken, resume=True, **options)
    assert 'resumed epoch: 2, iter: 8' in log
    first, second = (load_checkpoint_safe(path / 'epoch_4.pth') for path in (whole, broken))
    for key in ('state_dict', 'ema_state_dict', 'optimizer', 'param_schedulers'):
        assert_same(first[key], second[key], key)
    before = load_checkpoint_safe(whole / 'epoch_3.pth')
    assert not torch.equal(first['state_dict']['head.weight'], before['state_dict']['head.weight'])
    losses = [c['message_hub']['log_scalars']['train/loss'].data[0].tolist() for c in (first, second)]
    assert len(losses[0]) == 16
    assert losses[0] == losses[1]


def test_the_comparison_notices_a_lost_random_state(toys, tmp_path):
    for name, resume in (('whole', False), ('broken', False), ('broken', True)):
        cfg = toys.toy_config(tmp_path / name, epochs=1 if (name, resume) == ('broken', False) else 2, resume=resume)
        cfg['default_hooks'].pop('deterministic')
        SafeRunner.from_cfg(Config(cfg)).train()
    first, second = (load_checkpoint_safe(tmp_path / name / 'epoch_2.pth') for name in ('whole', 'broken'))
    assert not torch.equal(first['state_dict']['head.weight'], second['state_dict']['head.weight'])


def test_a_truncated_newest_checkpoint_is_skipped_with_a_warning(toys, tmp_path):
    train(toys, tmp_path, epochs=3)
    newest = tmp_path / 'epoch_3.pth'
    newest.write_bytes(newest.read_bytes()[:-1000])
    (tmp_path / '.epoch_3.pth.99.tmp').write_bytes(b'left by a kill')
    log = train(toys, tmp_path, epochs=4, resume=True)
    assert f'Skipped on resume: {newest} is truncated' in log
    assert 'resumed epoch: 2, iter: 8' in log
    assert 'metainfo from the resumed checkpoint is different' not in log
    assert load_checkpoint_safe(tmp_path / 'epoch_4.pth')['meta']['epoch'] == 4
    assert not list(tmp_path.glob('.*.tmp'))


@pytest.mark.parametrize('content', [b'', b'x' * 5000, b'a\x00b', b'/tmp', b'\xff\xfe'])
def test_a_last_checkpoint_file_that_names_none_leaves_the_newest(tmp_path, content):
    torch.save(SOUND, tmp_path / 'epoch_2.pth')
    (tmp_path / 'last_checkpoint').write_bytes(content)
    assert find_resumable(tmp_path, pytest.fail) == str(tmp_path / 'epoch_2.pth')


def test_a_last_checkpoint_file_goes_before_newer_files_and_stays_valid_in_a_copied_folder(tmp_path):
    for name in ('epoch_1.pth', 'epoch_2.pth'):
        torch.save(SOUND, tmp_path / name)
    (tmp_path / 'last_checkpoint').write_text('/where/it/was/epoch_1.pth')
    assert find_resumable(tmp_path, pytest.fail) == str(tmp_path / 'epoch_1.pth')


def test_a_copied_folder_goes_on_from_its_own_checkpoint_though_the_first_run_is_still_there(tmp_path):
    first, copy = tmp_path / 'first', tmp_path / 'copy'
    first.mkdir()
    torch.save(SOUND, first / 'epoch_1.pth')
    (first / 'last_checkpoint').write_text(str(first / 'epoch_1.pth'))
    shutil.copytree(first, copy)
    assert find_resumable(copy, pytest.fail) == str(copy / 'epoch_1.pth')
    (copy / 'epoch_1.pth').unlink()  # as with the option out_dir of the hook, whose folder is another
    assert find_resumable(copy, pytest.fail) == str(first / 'epoch_1.pth')


def test_links_that_lead_nowhere_and_folders_are_no_checkpoints(tmp_path):
    torch.save(SOUND, tmp_path / 'epoch_2.pth')
    (tmp_path / 'latest.pth').symlink_to(tmp_path / 'epoch_3.pth')
    (tmp_path / 'epoch_4.pth').mkdir()
    assert [path.name for path in list_checkpoints(tmp_path)] == ['epoch_2.pth']
    assert find_resumable(tmp_path, pytest.fail) == str(tmp_path / 'epoch_2.pth')


def test_a_checkpoint_of_a_data_set_that_said_less_is_resumed_without_a_warning(toys, tmp_path):
    train(toys, tmp_path, epochs=1)
    checkpoint = load_checkpoint_safe(tmp_path / 'epoch_1.pth')
    del checkpoint['meta']['dataset_meta']['palette']
    save_checkpoint_atomic(checkpoint, tmp_path / 'epoch_1.pth')
    assert 'is different' not in train(toys, tmp_path, epochs=2, resume=True)
    checkpoint['meta']['dataset_meta']['classes'] = ('other', 'things')
    save_checkpoint_atomic(checkpoint, tmp_path / 'epoch_2.pth')
    assert 'metainfo from the resumed checkpoint is different' in train(toys, tmp_path, epochs=2, resume=True)


def test_resume_without_one_whole_checkpoint_stops(toys, tmp_path):
    (tmp_path / 'epoch_1.pth').write_bytes(b'half')
    with pytest.raises(CheckpointError, match='none of the 1 checkpoints'):
        train(toys, tmp_path, resume=True)


def test_resume_in_an_empty_directory_starts_with_a_warning(toys, tmp_path):
    assert 'Nothing to resume' in train(toys, tmp_path, epochs=1, resume=True)


def test_resume_from_a_checkpoint_of_weights_only_stops(toys, tmp_path):
    train(toys, tmp_path, epochs=1)
    best = next(tmp_path.glob('best_*.pth'))
    with pytest.raises(CheckpointError, match="lacks \\['optimizer'\\]"):
        train(toys, tmp_path / 'other', resume=True, load_from=str(best))


def weights(path):
    return load_checkpoint_safe(path)['state_dict']['head.weight']


def test_automatic_resume_takes_load_from_where_there_is_nothing_to_resume(toys, tmp_path):
    train(toys, tmp_path / 'first', epochs=1)
    start = str(tmp_path / 'first' / 'epoch_1.pth')
    options = {'resume': 'auto', 'load_from': start}
    log = train(toys, tmp_path / 'second', epochs=1, **options)
    assert f'Load checkpoint from {start}' in log
    assert load_checkpoint_safe(tmp_path / 'second' / 'epoch_1.pth')['meta']['iter'] == 4
    # Now there is something to resume, which counts more.
    log = train(toys, tmp_path / 'second', epochs=2, **options)
    assert f'Resume from {tmp_path / "second" / "epoch_1.pth"}' in log
    assert 'resumed epoch: 1, iter: 4' in log


def change(**changes):
    """Options of ``toy_config`` with a part of the schedule replaced."""
    optimizer = {'type': 'AdamW', 'lr': 0.01, **changes}
    return {'optim_wrapper': {'type': 'OptimWrapper', 'optimizer': optimizer, 'clip_grad': {'max_norm': 1.0}}}


@pytest.mark.parametrize(
    ('options', 'said'),
    [
        (change(lr=0.5), 'optim_wrapper.optimizer.lr: 0.01 -> 0.5'),
        ({'randomness': {'seed': 7}}, 'randomness.seed: 0 -> 7'),
        ({'workers': 1}, 'train_dataloader.num_workers: 0 -> 1'),
    ],
)
def test_resume_says_what_differs_from_the_config_of_the_checkpoint(toys, tmp_path, options, said):
    train(toys, tmp_path, epochs=1)
    log = train(toys, tmp_path, epochs=2, resume=True, **options)
    assert 'resumed with another config than that of the checkpoint' in log
    assert said in log
    assert 'train_cfg.max_epochs: 1 -> 2' in log
    assert 'param_scheduler[1].T_max: 1 -> 2' in log
    assert 'schedulers go on with the values of the checkpoint, learning rate included' in log


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        (change(type='SGD'), 'state of the optimizer AdamW, but optim_wrapper.optimizer.type is SGD'),
        (
            {'param_scheduler': [{'type': 'ConstantLR', 'factor': 1.0}]},
            'state of 2 schedulers, but param_scheduler has 1',
        ),
        (
            {'param_scheduler': [{'type': 'ConstantLR', 'factor': 1.0}, {'type': 'CosineAnnealingLR', 'T_max': 4}]},
            'LinearLR -> ConstantLR',
        ),
        ({'epochs': 1}, r'epoch_2.pth has 2 epochs behind it, more than train_cfg.max_epochs = 1'),
    ],
)
def test_resume_refuses_what_cannot_go_on(toys, tmp_path, options, message):
    train(toys, tmp_path, epochs=2)
    with pytest.raises(CheckpointError, match=message):
        train(toys, tmp_path, **{'epochs': 3, **options}, resume=True)


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        ({'optimizer': None}, "its 'optimizer' is NoneType"),
        ({'optimizer': {}}, "its 'optimizer' lacks param_groups"),
        ({'optimizer': {'state': [1], 'param_groups': []}}, "the state in its 'optimizer' is not by parameter"),
        ({'optimizer': {'state': {0: 1}, 'param_groups': []}}, "the state in its 'optimizer' is not by parameter"),
        ({'optimizer': {'a': {'state': {}, 'param_groups': []}, 'b': 3}}, "its 'optimizer' lacks param_groups"),
        (
            {'optimizer': {'state': {0: {'exp_avg': torch.tensor([1.0, float('nan')])}}, 'param_groups': []}},
            "its 'optimizer' holds NaN or infinity",
        ),
        ({'message_hub': [1]}, "its 'message_hub' is list"),
        ({'message_hub': {'log_scalars': {}}}, "its 'message_hub' lacks runtime_info, resumed_keys"),
        ({'param_schedulers': 5}, "its 'param_schedulers' is int"),
        ({'meta': {'epoch': -3}}, r'its meta\.epoch must be a count, got -3'),
        ({'meta': {'epoch': 1, 'iter': 'two'}}, r"its meta\.iter must be a count, got 'two'"),
        ({'meta': {'iter': 2}}, r"it lacks \['meta\.epoch'\]"),
        ({'meta': {'epoch': 1, 'seed': 'x'}}, r"its meta\.seed must be a count, got 'x'"),
        ({'meta': {'epoch': 1, 'config_values': ['model']}}, r'its meta\.config_values must be a dict, got list'),
    ],
)
def test_resume_names_parts_of_another_kind(change, message):
    check_resumable(SOUND, 'sound.pth')
    with pytest.raises(CheckpointError, match=rf'bad\.pth cannot be resumed from: {message}'):
        check_resumable({**SOUND, **change}, 'bad.pth')


def test_text_in_a_checkpoint_is_never_evaluated_on_resume(toys, tmp_path):
    train(toys, tmp_path, epochs=1)
    path = tmp_path / 'epoch_1.pth'
    checkpoint = torch.load(path, weights_only=True)
    checkpoint['meta']['config'] = f'open({str(tmp_path / "evil")!r}, "w")'
    torch.save(checkpoint, path)
    train(toys, tmp_path, epochs=2, resume=True)
    assert not (tmp_path / 'evil').exists()


HOLDER = """
import sys, time
from projects.fileio import FolderLock
with FolderLock(sys.argv[1], sys.argv[1] + '/.training'):
    print('held', flush=True)
    time.sleep(60)
"""


def test_a_second_training_in_a_work_directory_is_told_and_changes_nothing(toys, tmp_path, repo):
    import os
    import subprocess
    import sys

    environment = {**os.environ, 'PYTHONPATH': str(repo)}
    command = [sys.executable, '-c', HOLDER, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as holder:
        try:
            assert holder.stdout.readline() == 'held\n'
            (tmp_path / '.epoch_1.pth.9.tmp').write_bytes(b'of the first')
            with pytest.raises(FolderInUseError, match=f'{tmp_path} is in use by process {holder.pid}'):
                train(toys, tmp_path, epochs=1)
            assert (tmp_path / '.epoch_1.pth.9.tmp').exists()
            assert not list(tmp_path.glob('*.pth'))
        finally:
            holder.kill()
    train(toys, tmp_path, epochs=1)
    assert (tmp_path / 'epoch_1.pth').is_file()
    assert not list(tmp_path.glob('.*.tmp'))
