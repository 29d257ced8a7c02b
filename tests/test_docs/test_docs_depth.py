"""Every command of the documentation about depth, run in order on the smallest MiniDrive in KITTI format."""

import pytest
from docs_plan import DEPTH
from docs_walk import predict_first_frame

TASK = DEPTH


def test_command_runs(succeeds, place):
    succeeds(place)


@pytest.mark.parametrize(
    'name',
    [
        'mono-depth_mini_1xb4-12e_minidrive',
        'stereo-depth_mini_1xb4-6e_minidrive',
        'adudepth_stereo-mini_mono-mini_1xb4-12e_minidrive',
    ],
)
def test_trained_model_predicts_after_init_model(walk, trained, name):
    """Frames of the smallest data set are 128 x 416."""
    trained(name)
    (config,) = walk.folder.glob(f'configs/*/{name}.py')
    model, sample = predict_first_frame(config, f'work_dirs/{name}/epoch_1.pth')
    assert 'student' in dict(model.named_children()) or type(model).__name__.endswith('DepthModel')
    assert sample.pred_depth.shape == (128, 416)
