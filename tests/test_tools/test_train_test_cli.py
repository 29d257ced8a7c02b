"""train.py, test.py and the distributed scripts on toy models, as a user starts them."""

import json
from pathlib import Path

import pytest
from mmengine.config import Config

from projects.engine import load_checkpoint_safe


@pytest.fixture
def write_config(toys, tmp_path):
    def write(name='toy.py', **options):
        cfg = toys.toy_config(tmp_path / 'unused', **options)
        del cfg['work_dir'], cfg['experiment_name']
        path = tmp_path / name
        Config(cfg).dump(path)
        return path

    return write


def scalars(work_dir):
    return [json.loads(line) for p in sorted(work_dir.glob('*/vis_data/scalars.json')) for line in p.open()]


def metrics(work_dir):
    rows = [json.loads(p.read_text()) for p in sorted(work_dir.glob('*/*.json'))]
    return {key.split('/')[1]: value for key, value in rows[-1].items() if key.startswith('toy/')}


def test_train_then_test_with_two_processes_gives_the_numbers_of_one(write_config, run_python, tmp_path):
    config, work_dir = write_config(epochs=2), tmp_path / 'run'
    run_python('bash', 'tools/dist_train.sh', config, 2, '--work-dir', work_dir, '--amp', PORT='29611')
    checkpoint = load_checkpoint_safe(work_dir / 'epoch_2.pth')
    assert checkpoint['meta']['iter'] == 4  # 12 samples, batches of 3, 2 processes, 2 epochs
    assert len([row for row in scalars(work_dir) if 'loss_toy' in row]) == 4
    path = work_dir / 'epoch_2.pth'
    flags = ('--work-dir', tmp_path / 'two', '--show-dir', tmp_path / 'shown')
    shown = run_python('bash', 'tools/dist_test.sh', config, path, 2, *flags, PORT='29612')
    assert sorted(file.name for file in (tmp_path / 'shown').iterdir()) == [f't{i}.png' for i in range(7)]
    assert f'7 pictures of 7 samples are in {tmp_path / "shown"}' in shown.stdout + shown.stderr
    run_python('tools/test.py', config, path, '--work-dir', tmp_path / 'one')
    one, two = metrics(tmp_path / 'one'), metrics(tmp_path / 'two')
    assert two['count'] == two['unique'] == 7  # not 8: the sample that fills up the second process is dropped
    assert one == two


def test_flags_of_train_reach_the_run(write_config, run_python, tmp_path):
    config = write_config(epochs=1, auto_scale_lr={'base_batch_size': 6, 'enable': False})
    work_dir = tmp_path / 'run'
    flags = ('--work-dir', work_dir, '--amp', '--auto-scale-lr', '--sync_bn', 'torch')
    run_python('tools/train.py', config, *flags, '--cfg-options', 'train_dataloader.batch_size=2')
    log = next(work_dir.glob('*/*.log')).read_text()
    assert "type='CpuAutocastOptimWrapper'" in log
    assert 'learning rate times 0.333333: a step has 2 samples, base_batch_size is 6' in log
    resumed = run_python(
        'tools/train.py', config, '--work-dir', work_dir, '--resume', '--cfg-options', 'train_cfg.max_epochs=2'
    )
    assert 'resumed epoch: 1' in resumed.stdout + resumed.stderr
    assert (work_dir / 'epoch_2.pth').is_file()


def test_bad_arguments_stop_with_a_clear_message(write_config, run_python, tmp_path):
    config = write_config(epochs=1)
    for arguments, message in (
        (('tools/train.py', config, '--cfg-options', 'optim_wraper.x=1'), "did you mean 'optim_wrapper.x'"),
        (('tools/train.py', config, '--cfg-options', 'max_epochs=1'), 'set train_cfg.max_epochs'),
        (('tools/train.py', config.with_name('toi.py')), 'toy.py'),
        (('tools/test.py', config, tmp_path / 'gone.pth', '--work-dir', tmp_path / 'test'), 'gone.pth does not exist'),
        (
            ('tools/train.py', config, '--work-dir', tmp_path / 'typo', '--cfg-options', 'train_cfg.max_epoch=1'),
            "train_cfg.max_epoch (did you mean 'max_epochs'?)",
        ),
        (
            (
                *('tools/train.py', config, '--work-dir', tmp_path / 'few', '--cfg-options'),
                *('train_dataloader.dataset.length=2', 'train_dataloader.persistent_workers=True'),
            ),
            'its data set has 2 samples, less than one batch of 3, and train_dataloader.drop_last drops',
        ),
        (('tools/train.py', config, '--auto-scale-lr'), 'base_batch_size'),
        (('tools/test.py', config, tmp_path / 'gone.pth', '--tta'), 'tta_model'),
        (('bash', 'tools/dist_train.sh', config, '--resume'), 'GPUS must be a number'),
    ):
        result = run_python(*arguments, check=False)
        assert result.returncode
        assert message in result.stderr, arguments
        assert 'Traceback' not in result.stderr, arguments
    log = next((tmp_path / 'few').glob('*/*.log')).read_text()
    assert 'Traceback' in log
    assert 'less than one batch of 3' in log


def test_show_without_a_display_ends_before_anything_is_built(write_config, run_python, tmp_path):
    arguments = ('tools/test.py', write_config(), tmp_path / 'gone.pth', '--show')
    result = run_python(*arguments, check=False, DISPLAY='', WAYLAND_DISPLAY='', timeout=60)
    assert result.returncode
    assert 'there is no display (neither DISPLAY nor WAYLAND_DISPLAY is set)' in result.stderr
    assert '--show-dir FOLDER' in result.stderr
    assert 'gone.pth' not in result.stderr
    result = run_python(*arguments, check=False, MPLBACKEND='Agg', DISPLAY=':0')
    assert "backend 'Agg' of matplotlib opens none" in result.stderr.replace("'agg'", "'Agg'")


def test_show_opens_a_window_per_sample_for_the_given_time(write_config, run_python, tmp_path):
    config = write_config(epochs=1)
    run_python('tools/train.py', config, '--work-dir', tmp_path / 'run')
    window = {'MPLBACKEND': 'module://fake_display', 'FAKE_DISPLAY_LOG': tmp_path / 'shown.txt'}
    flags = ('--work-dir', tmp_path / 'test', '--show', '--wait-time', '1')
    run_python('tools/test.py', config, tmp_path / 'run/epoch_1.pth', *flags, **window)
    assert (tmp_path / 'shown.txt').read_text().split('\n') == [*(f't{i} 1.0' for i in range(7)), '']


def test_wait_time_needs_show(write_config, capsys):
    tool = load_tool('test')
    for flags, message in ((['--wait-time', '1'], 'give both'), (['--show', '--wait-time', '-1'], 'must be 0 or')):
        with pytest.raises(SystemExit):
            tool.parse_args([str(write_config()), 'x.pth', *flags])
        assert message in capsys.readouterr().err


def test_show_dir_switches_the_visualization_hook_on(write_config):
    tool = load_tool('test')
    args = tool.parse_args([str(write_config()), 'x.pth', '--show-dir', 'pictures'])
    cfg = tool.load_config(args)
    assert cfg.default_hooks.visualization.draw is True
    assert cfg.default_hooks.visualization.test_out_dir == str(Path.cwd() / 'pictures')
    assert 'show' not in cfg.default_hooks.visualization
    assert cfg.load_from == 'x.pth'
    assert cfg.work_dir == 'work_dirs/toy'


def test_resume_without_a_checkpoint_keeps_the_weights_to_start_from(write_config, tmp_path):
    tool, config = load_tool('train'), str(write_config(load_from='start.pth'))

    def resume_and_source(*flags):
        cfg = tool.load_config(tool.parse_args([config, '--work-dir', str(tmp_path / 'run'), *flags]))
        return cfg.get('resume'), cfg.get('load_from')

    assert resume_and_source() == (None, 'start.pth')
    assert resume_and_source('--resume') == ('auto', 'start.pth')
    assert resume_and_source('--resume', 'a.pth') == (True, 'a.pth')


def load_tool(name):
    import importlib.util

    path = Path(__file__).resolve().parents[2] / f'tools/{name}.py'
    spec = importlib.util.spec_from_file_location(f'tool_{name}', path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_print_config_merges_and_saves(write_config, run_python, tmp_path):
    out = tmp_path / 'merged.py'
    options = ('--cfg-options', 'train_cfg.max_epochs=9', '--save-path', out)
    assert 'max_epochs=9' in run_python('tools/misc/print_config.py', write_config(), *options).stdout
    assert Config.fromfile(out).train_cfg.max_epochs == 9


def test_default_runtime_needs_every_hook_of_a_run():
    cfg = Config.fromfile(
        Path(__file__).resolve().parents[2] / 'configs/_base_/default_runtime.py', import_custom_modules=False
    )
    assert cfg.runner_type == 'SafeRunner'
    kinds = {hook['type'] for hook in cfg.default_hooks.values()}
    assert {
        'SafeCheckpointHook',
        'DistSamplerSeedHook',
        'DeterministicResumeHook',
        'TeacherRecordHook',
        'FiniteTrainingHook',
    } <= kinds
    assert cfg.custom_imports.allow_failed_imports is False
    assert cfg.randomness.seed == 0
