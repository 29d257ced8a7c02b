"""Pictures of predictions: files, windows and the visualizer, for any kind of sample."""

import numpy as np
import pytest
import torch
from matplotlib import pyplot as plt
from mmengine.structures import BaseDataElement
from PIL import Image

from projects.engine import PredictionPictureHook, SafeRunner, display_problem, draw_prediction, sample_name
from projects.engine.picture_layout import image_grid


def toy_runner(toys, work_dir, hook=None, **options):
    """Runner of a toy model with fixed weights; the picture hook has these options."""
    cfg = toys.toy_config(work_dir, ema=False, epochs=1, **options)
    cfg['default_hooks']['visualization'].update(hook or {})
    return SafeRunner.from_cfg({**cfg, 'log_level': 'INFO'})


def pictures(folder):
    return {str(path.relative_to(folder)): np.asarray(Image.open(path)) for path in sorted(folder.rglob('*.png'))}


def test_every_test_sample_becomes_a_file_below_the_current_directory(toys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    toy_runner(toys, tmp_path / 'run', {'draw': True, 'test_out_dir': 'pictures'}).test()
    found = pictures(tmp_path / 'pictures')
    assert list(found) == [f't{i}.png' for i in range(7)]
    for i, picture in enumerate(found.values()):
        assert (picture == (i, 2, 0)).all()  # drawn from the inputs and the meta information of its own sample
    log = next((tmp_path / 'run').glob('*/*.log')).read_text()
    assert f'7 pictures of 7 samples are in {tmp_path / "pictures"}' in log
    assert not pictures(tmp_path / 'run')


def test_validation_writes_pictures_into_vis_data(toys, tmp_path):
    runner = toy_runner(toys, tmp_path / 'run', {'draw': True, 'interval': 2})
    runner.train()
    found = pictures(tmp_path / 'run')
    # 7 samples in batches of 3: the first samples of batches 0 and 2, after 4 iterations.
    folder = f'{runner.timestamp}/vis_data/vis_image'
    assert list(found) == [f'{folder}/val_t0_4.png', f'{folder}/val_t6_4.png']
    assert (found[f'{folder}/val_t6_4.png'] == (6, 2, 0)).all()


def test_sample_whose_name_is_a_path_is_written_by_the_visualizer_and_as_a_file(toys, tmp_path):
    runner = toy_runner(toys, tmp_path / 'run', {'draw': True, 'test_out_dir': str(tmp_path / 'out')})
    hook = next(hook for hook in runner.hooks if isinstance(hook, PredictionPictureHook))
    runner.val_loop, runner.test_loop  # noqa: B018 - build the data loaders
    sample = toys.ToySample(metainfo={'frame_id': 'drive/0000000069', 'token': ''})
    for after in (hook.after_val_iter, hook.after_test_iter):
        after(runner, 0, {'inputs': {'x': [torch.zeros(4)]}}, [sample])
    assert 'val_drive_0000000069_0.png' in [path.name for path in (tmp_path / 'run').rglob('*.png')]
    assert list(pictures(tmp_path / 'out')) == ['drive/0000000069.png']


def test_testing_without_a_folder_gives_pictures_to_the_visualizer(toys, tmp_path):
    toy_runner(toys, tmp_path / 'run', {'draw': True}).test()
    assert [name.rsplit('/', 1)[1] for name in pictures(tmp_path / 'run')] == ['test_t0_0.png']


def test_nothing_is_drawn_unless_asked_for(toys, tmp_path):
    toy_runner(toys, tmp_path / 'run', {'test_out_dir': str(tmp_path / 'off')}).test()
    assert not (tmp_path / 'off').exists()
    assert not pictures(tmp_path / 'run')


def test_samples_of_one_name_are_reported(toys, tmp_path):
    runner = toy_runner(toys, tmp_path / 'run', {'draw': True, 'test_out_dir': str(tmp_path / 'out')})
    hook = next(hook for hook in runner.hooks if isinstance(hook, PredictionPictureHook))
    sample = toys.ToySample(metainfo={'token': 't1'})
    for batch in range(2):
        hook.after_test_iter(runner, batch, {'inputs': {'x': [torch.zeros(4)]}}, [sample])
    hook.after_test_epoch(runner)
    log = next((tmp_path / 'run').glob('*/*.log')).read_text()
    assert '1 pictures of 7 samples are in' in log
    assert 'samples of one name have one picture' in log


@pytest.fixture
def fake_display(toys):
    import fake_display

    fake_display.SHOWN.clear()
    before = plt.get_backend()
    plt.switch_backend('module://fake_display')
    yield fake_display.SHOWN
    plt.close('all')
    plt.switch_backend(before)


def test_every_test_sample_is_shown_for_the_given_time(toys, tmp_path, fake_display):
    toy_runner(toys, tmp_path / 'run', {'draw': True, 'show': True, 'wait_time': 1.5}).test()
    assert [(title, seconds) for title, seconds, _ in fake_display] == [(f't{i}', 1.5) for i in range(7)]
    assert all((picture == (i, 2, 0)).all() for i, (_, _, picture) in enumerate(fake_display))


def test_window_without_a_display_is_refused(monkeypatch):
    monkeypatch.delenv('DISPLAY', raising=False)
    monkeypatch.delenv('WAYLAND_DISPLAY', raising=False)
    plt.switch_backend('Agg')
    assert 'there is no display' in display_problem()
    with pytest.raises(RuntimeError, match=r'show=True cannot open a window: there is no display.*test_out_dir'):
        PredictionPictureHook(draw=True, show=True)
    monkeypatch.setenv('DISPLAY', ':0')
    assert 'opens none; install a GUI toolkit' in display_problem()


def test_display_with_windows_has_no_problem(fake_display):
    assert display_problem() is None
    assert not fake_display


def test_names_are_paths_that_files_can_have():
    def name(**meta):
        return sample_name(BaseDataElement(metainfo=meta))

    assert name(token='abc') == 'abc'
    assert name(frame_id='2011_09_26_drive_0002_sync/0000000069') == '2011_09_26_drive_0002_sync/0000000069'
    assert name(frame_id='/../a:b/..c') == 'a_b/c'
    with pytest.raises(ValueError, match=r"needs a token or a frame_id.*which has \['x'\]"):
        name(x=1)


def test_sample_without_a_drawing_is_named():
    with pytest.raises(TypeError, match='no picture is known for BaseDataElement; register its drawing'):
        draw_prediction(BaseDataElement(), {}, {})


def test_options_are_checked():
    for options in ({'interval': 0}, {'wait_time': -1}):
        with pytest.raises(ValueError, match='interval >= 1 and wait_time >= 0'):
            PredictionPictureHook(**options)


def test_grid_fills_its_last_row():
    picture = image_grid([np.zeros((4, 8, 3), np.uint8)] * 3, ['a', 'b', 'c'], 2, 80)
    assert picture.shape == (2 * (22 + 20), 80, 3)
    assert not picture[64:, :40].any()
    assert (picture[64:, 40:] == 255).all()
