# Test-time augmentation: predictions over four mirrored BEV grids are averaged. Use with `tools/test.py --tta`.
_base_ = './flashocc_r50_8xb4-24e_occ3d-nus.py'
tta_model = dict(type='OccFlipTTAModel')
tta_pipeline = _base_.test_pipeline
