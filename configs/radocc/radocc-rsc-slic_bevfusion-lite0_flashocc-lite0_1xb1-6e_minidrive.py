# radocc-rsc with superpixels in place of MiniDrive's exact segments, made by
# python tools/extract_segments.py slic --infos data/minidrive/occ3d-nus_infos_train.pkl \
#     --out-dir data/minidrive/segments_slic
_base_ = './radocc-rsc_bevfusion-lite0_flashocc-lite0_1xb1-6e_minidrive.py'
train_dataloader = dict(dataset=dict(segments='segments_slic'))
