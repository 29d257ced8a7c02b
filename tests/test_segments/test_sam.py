"""SAM with random weights of the smallest size; skipped without transformers."""

import shutil

import numpy as np
import pytest
import torch

from projects.segments import Sam
from projects.segments.masks import paint_masks
from projects.segments.sam_model import grid_points, prepare_image

SIZE = 64


@pytest.fixture(scope='module')
def checkpoint(tmp_path_factory):
    transformers = pytest.importorskip('transformers')
    config = transformers.SamConfig(
        vision_config={
            'hidden_size': 32,
            'num_hidden_layers': 2,
            'num_attention_heads': 2,
            'mlp_dim': 32,
            'image_size': SIZE,
            'patch_size': 16,
            'output_channels': 16,
            'window_size': 2,
            'global_attn_indexes': [1],
            'num_pos_feats': 8,
        },
        prompt_encoder_config={'hidden_size': 16, 'image_size': SIZE, 'patch_size': 16, 'mask_input_channels': 4},
        mask_decoder_config={
            'hidden_size': 16,
            'num_hidden_layers': 2,
            'num_attention_heads': 2,
            'mlp_dim': 32,
            'iou_head_hidden_dim': 16,
        },
    )
    torch.manual_seed(0)
    model = transformers.SamModel(config)
    # Random weights give logits near 0 everywhere: larger ones give masks with borders.
    for parameter in model.mask_decoder.parameters():
        parameter.data.mul_(3.0).add_(0.5 * torch.randn_like(parameter))
    folder = tmp_path_factory.mktemp('sam')
    model.save_pretrained(folder)
    return str(folder)


def test_the_longer_side_fills_the_input_and_the_rest_is_zero():
    image = np.full((30, 40, 3), (255, 0, 0), np.uint8)  # blue
    pixels, picture = prepare_image(image, SIZE)
    assert picture == (48, 64)
    assert pixels.shape == (1, 3, SIZE, SIZE)
    assert pixels[0, :, 48:].abs().sum() == 0
    expected = [-0.485 / 0.229, -0.456 / 0.224, (1 - 0.406) / 0.225]
    assert pixels[0, :, 20, 20].tolist() == pytest.approx(expected)


def test_points_are_the_middles_of_equal_cells_as_x_and_y():
    assert grid_points(2, (48, 64)).tolist() == [[16, 12], [48, 12], [16, 36], [48, 36]]


def test_pixels_are_those_of_the_package():
    transformers = pytest.importorskip('transformers')
    processor = transformers.SamImageProcessorPil(
        size={'longest_edge': SIZE}, pad_size={'height': SIZE, 'width': SIZE}, mask_size={'longest_edge': 16}
    )
    image = np.random.randint(0, 256, (45, 80, 3), np.uint8)
    expected = processor(image[..., ::-1].copy(), return_tensors='np')['pixel_values'][0]
    np.testing.assert_allclose(prepare_image(image, SIZE)[0][0].numpy(), expected, atol=1e-5)


def slow_masks(checkpoint, image, points_per_side, min_iou, min_stability):
    """Masks of one point after the other, none suppressed, at the size of the image."""
    transformers = pytest.importorskip('transformers')
    model = transformers.SamModel.from_pretrained(checkpoint).eval()
    pixels, (height, width) = prepare_image(image, SIZE)
    masks = []
    for row in range(points_per_side):
        for column in range(points_per_side):
            x, y = (column + 0.5) * width / points_per_side, (row + 0.5) * height / points_per_side
            with torch.no_grad():
                output = model(pixel_values=pixels, input_points=torch.tensor([[[[x, y]]]]), multimask_output=True)
            for logits, score in zip(output.pred_masks[0, 0], output.iou_scores[0, 0]):
                shown = logits[: height // 4, : width // 4]
                inner, outer = (shown > 1).sum().item(), (shown > -1).sum().item()
                if score <= min_iou or not outer or inner / outer < min_stability or not (shown > 0).any():
                    continue
                whole = torch.nn.functional.interpolate(logits[None, None], (SIZE, SIZE), mode='bilinear')
                part = whole[..., :height, :width]
                masks.append(
                    (torch.nn.functional.interpolate(part, image.shape[:2], mode='bilinear')[0, 0] > 0).numpy()
                )
    return masks


def test_masks_of_all_points_are_those_of_the_model_point_by_point(checkpoint):
    image = np.random.randint(0, 256, (60, 80, 3), np.uint8)
    options = {'points_per_side': 3, 'min_iou': -1e3, 'min_stability': 0.2}
    masks = slow_masks(checkpoint, image, *options.values())
    assert len(masks) > 3
    labels = Sam(checkpoint, points_per_batch=4, nms_iou=1.0, **options)(image)
    assert labels.shape == (60, 80)
    # The same parts of the image, by other numbers.
    expected = paint_masks(np.stack(masks))
    pairs = {*zip(labels.ravel().tolist(), expected.ravel().tolist())}
    assert len(pairs) == len(np.unique(labels)) == len(np.unique(expected)) > 3
    assert pairs & {(0, 0)} == ({(0, 0)} if (expected == 0).any() else set())


def test_labels_depend_on_neither_batches_nor_the_run(checkpoint):
    image = np.random.randint(0, 256, (45, 80, 3), np.uint8)
    labels = [Sam(checkpoint, 'cpu', 4, batch, -1e3, 0.0)(image) for batch in (16, 5, 5)]
    np.testing.assert_array_equal(labels[0], labels[1])
    np.testing.assert_array_equal(labels[1], labels[2])
    assert labels[0].max() > 0
    assert Sam(checkpoint, min_iou=1e3, points_per_side=2)(image).max() == 0


def test_weights_of_another_model_are_refused(checkpoint, tmp_path):
    from safetensors.torch import load_file, save_file

    weights = load_file(f'{checkpoint}/model.safetensors')
    weights.pop('mask_decoder.iou_token.weight')
    save_file(weights, tmp_path / 'model.safetensors', {'format': 'pt'})
    shutil.copy(f'{checkpoint}/config.json', tmp_path)
    with pytest.raises(ValueError, match=r'does not hold the weights of a SAM.*1 missing_keys: .*iou_token'):
        Sam(str(tmp_path))(np.zeros((8, 8, 3), np.uint8))


def test_missing_files_and_a_missing_package_are_named(tmp_path, monkeypatch):
    with pytest.raises(FileNotFoundError, match=r'config\.json and model\.safetensors not found in nowhere'):
        Sam('nowhere')
    for name in ('config.json', 'model.safetensors'):
        (tmp_path / name).touch()
    monkeypatch.setattr('projects.segments.sam_options.find_spec', lambda name: None)
    with pytest.raises(ImportError, match=r'transformers must be installed for SAM: .*requirements-sam\.txt'):
        Sam(str(tmp_path))


def test_settings_leave_out_what_changes_no_segment(tmp_path):
    pytest.importorskip('transformers')
    for name in ('config.json', 'model.safetensors'):
        (tmp_path / name).touch()
    one = Sam(f'{tmp_path}/', points_per_batch=8).settings()
    assert one == Sam(str(tmp_path)).settings()
    assert one['checkpoint'] == tmp_path.name
    assert one['min_iou'] == 0.88
