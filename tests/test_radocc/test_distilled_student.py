"""From a distilled checkpoint of the MiniDrive config to the plain student config."""

import torch
from mmdet3d.registry import MODELS
from mmengine.config import Config
from mmengine.registry import DefaultScope

import projects.distillation
import projects.occupancy
import projects.radocc  # noqa: F401 - the three packages register their models
from projects.engine import load_checkpoint_safe, save_checkpoint_atomic

PLAIN = 'configs/flashocc/flashocc_mini_1xb1-7e_minidrive.py'
DISTILLED = 'configs/radocc/radocc_bevfusion-mini_flashocc-mini_1xb1-4e_minidrive.py'


def _build(repo, config):
    with DefaultScope.overwrite_default_scope('mmdet3d'):
        return MODELS.build(Config.fromfile(repo / config).model).eval()


def _inputs():
    eye = torch.eye(4)
    look = torch.tensor([[0.0, 0, 1, 0], [-1, 0, 0, 0], [0, -1, 0, 1.5], [0, 0, 0, 1]])
    cam2img = torch.tensor([[110.0, 0, 112], [0, 110, 64], [0, 0, 1]])
    return {
        'imgs': torch.randn(1, 6, 3, 128, 224),
        'cam2img': cam2img.expand(1, 6, 3, 3),
        'cam2ego': look.expand(1, 6, 4, 4),
        'img_aug_matrix': torch.eye(3).expand(1, 6, 3, 3),
        'bda_mat': eye[None],
    }


@torch.no_grad()
def test_extracted_student_predicts_exactly_like_the_distilled_model(repo, run_python, tmp_path):
    distiller = _build(repo, DISTILLED)
    state = distiller.state_dict()
    assert not [name for name in state if 'teacher' in name]
    save_checkpoint_atomic({'meta': {}, 'state_dict': state}, tmp_path / 'distilled.pth')
    run_python('tools/model_converters/extract_student.py', tmp_path / 'distilled.pth', tmp_path / 'student.pth')

    plain = _build(repo, PLAIN)
    plain.load_state_dict(load_checkpoint_safe(tmp_path / 'student.pth')['state_dict'], strict=True)
    inputs = _inputs()
    expected = distiller(inputs, None, mode='tensor')['occ_logits']
    assert torch.equal(plain(inputs, None, mode='tensor')['occ_logits'], expected)
    assert expected.shape == (1, 200, 200, 16, 18)
