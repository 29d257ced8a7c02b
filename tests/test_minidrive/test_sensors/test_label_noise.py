import numpy as np
import pytest

from projects.minidrive.sensors.label_noise import LabelNoise, offsets_at, spoil_classes


def test_exactly_the_said_part_of_the_points_gets_another_class():
    classes = np.arange(1000) % 17
    spoilt = spoil_classes(classes, 0.05, np.random.default_rng(0))
    assert (spoilt != classes).sum() == 50
    assert spoilt.min() >= 0
    assert spoilt.max() <= 16
    np.testing.assert_array_equal(spoil_classes(classes, 0.0, np.random.default_rng(0)), classes)
    assert (spoil_classes(classes, 1.0, np.random.default_rng(0)) != classes).all()


def test_every_other_class_is_as_likely():
    spoilt = spoil_classes(np.full(16_000, 4), 1.0, np.random.default_rng(0))
    counts = np.bincount(spoilt, minlength=17)
    assert counts[4] == 0
    assert np.abs(np.delete(counts, 4) - 1000).max() < 5 * np.sqrt(1000)


def test_offsets_between_keyframes_are_in_proportion_to_time():
    times, offsets = np.array([0.0, 0.5, 1.0]), np.array([[[1.0, 0, 0]], [[3.0, 0, 0]], [[-1.0, 0, 0]]])
    found = [float(offsets_at(time, times, offsets)[0, 0]) for time in (-0.2, 0.0, 0.25, 0.5, 0.75, 1.0, 2.0)]
    assert found == [1.0, 1.0, 2.0, 3.0, 1.0, -1.0, -1.0]
    assert offsets_at(0.3, times[:1], offsets[:1]).tolist() == [[1.0, 0.0, 0.0]]


@pytest.mark.parametrize('noise', [{'wrong_points': -0.1}, {'wrong_points': 1.1}, {'box_offset': -1.0},
                                   {'box_offset': float('nan')}, {'wrong_points': float('nan')}])  # fmt: skip
def test_noise_out_of_range_is_refused(noise):
    with pytest.raises(ValueError, match=next(iter(noise))):
        LabelNoise(**noise)
