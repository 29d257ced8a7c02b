"""Which best checkpoint the hook deletes, and when."""

from pathlib import Path
from types import SimpleNamespace

import pytest
from mmengine.logging import MessageHub, MMLogger

from projects.engine import SafeCheckpointHook


def start(work_dir, best, keys=('score',)):
    """A hook at the start of a training that is resumed, and a runner that only writes files.

    Args:
        work_dir (Path): Where the training works.
        best (Path): The best checkpoint as the checkpoint that is resumed names it; its score is 1.
        keys (tuple): Metrics that have a best checkpoint.
    """
    hub = MessageHub(work_dir.name)
    for key in keys:
        hub.update_info('best_ckpt' if len(keys) == 1 else f'best_ckpt_{key}', str(best))
        hub.update_info('best_score' if len(keys) == 1 else f'best_score_{key}', 1.0)
    runner = SimpleNamespace(work_dir=str(work_dir), message_hub=hub, epoch=3, iter=12)
    runner.logger = MMLogger.get_instance('best')
    runner.save_checkpoint = lambda folder, filename, **_: (Path(folder) / filename).write_text('new')
    hook = SafeCheckpointHook(save_best=list(keys), rule='greater')
    hook.before_train(runner)
    return hook, runner


def best_files(folder):
    return sorted(path.name for path in folder.glob('best_*.pth'))


@pytest.fixture
def folders(tmp_path):
    for name in ('first', 'second'):
        (tmp_path / name).mkdir()
    (tmp_path / 'first' / 'best_score_epoch_1.pth').write_text('of the first run')
    return tmp_path / 'first', tmp_path / 'second'


def test_a_better_score_replaces_the_best_checkpoint_of_this_run(folders):
    hook, runner = start(folders[0], folders[0] / 'best_score_epoch_1.pth')
    hook._save_best_checkpoint(runner, {'score': 0.5})
    assert best_files(folders[0]) == ['best_score_epoch_1.pth']
    hook._save_best_checkpoint(runner, {'score': 2.0})
    assert best_files(folders[0]) == ['best_score_epoch_3.pth']
    assert runner.message_hub.get_info('best_ckpt') == str(folders[0] / 'best_score_epoch_3.pth')


@pytest.mark.parametrize('keys', [('score',), ('score', 'other')])
def test_the_best_checkpoint_of_the_run_that_another_folder_goes_on_from_is_kept(folders, keys):
    first, second = folders
    hook, runner = start(second, first / 'best_score_epoch_1.pth', keys)
    hook._save_best_checkpoint(runner, {'score': 2.0, 'other': 0.0})
    assert best_files(first) == ['best_score_epoch_1.pth']
    assert best_files(second) == ['best_score_epoch_3.pth']


def test_in_a_copied_folder_the_copy_of_the_best_checkpoint_is_replaced(folders):
    first, second = folders
    (second / 'best_score_epoch_1.pth').write_text('copied')
    hook, runner = start(second, first / 'best_score_epoch_1.pth')
    hook._save_best_checkpoint(runner, {'score': 2.0})
    assert best_files(first) == ['best_score_epoch_1.pth']
    assert best_files(second) == ['best_score_epoch_3.pth']


def test_the_former_best_checkpoint_is_there_until_the_new_one_is_whole(folders):
    hook, runner = start(folders[0], folders[0] / 'best_score_epoch_1.pth')

    def fail(folder, filename, **_):
        raise OSError(28, 'No space left on device')

    runner.save_checkpoint = fail
    with pytest.raises(OSError, match='No space'):
        hook._save_best_checkpoint(runner, {'score': 2.0})
    assert best_files(folders[0]) == ['best_score_epoch_1.pth']
