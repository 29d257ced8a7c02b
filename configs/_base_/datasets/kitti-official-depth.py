# KITTI, official split: as kitti-eigen-depth, with the metrics of the benchmark.
_base_ = './kitti-eigen-depth.py'
train_dataloader = dict(dataset=dict(ann_file='kitti-depth-official_infos_train.pkl'))
val_dataloader = dict(dataset=dict(ann_file='kitti-depth-official_infos_val.pkl'))
test_dataloader = dict(dataset=dict(ann_file='kitti-depth-official_infos_val.pkl'))

val_evaluator = dict(_delete_=True, type='DepthMetric', protocol='kitti')
test_evaluator = dict(_delete_=True, type='DepthMetric', protocol='kitti')
