import torch

from projects.compute.precision import autocast_enabled, computed_dtype, full_precision


def test_autocast_is_off_inside_and_on_again_after():
    tensor = torch.ones(2, 2)
    with torch.autocast('cpu', dtype=torch.bfloat16):
        with full_precision(tensor):
            assert not autocast_enabled('cpu')
            assert (tensor @ tensor).dtype == torch.float32
        assert autocast_enabled('cpu')
        assert (tensor @ tensor).dtype == torch.bfloat16
    assert not autocast_enabled('cpu')


def test_only_float64_is_computed_in_more_than_float32():
    dtypes = (torch.float16, torch.bfloat16, torch.float32, torch.float64)
    assert [computed_dtype(torch.ones(1, dtype=dtype)) for dtype in dtypes] == [torch.float32] * 3 + [torch.float64]
