# Test-time augmentation: predictions over four mirrored BEV grids are averaged. Use with `tools/test.py --tta`.
_base_ = './flashocc_mini_1xb1-7e_minidrive.py'
tta_model = dict(type='OccFlipTTAModel')
tta_pipeline = _base_.test_pipeline
