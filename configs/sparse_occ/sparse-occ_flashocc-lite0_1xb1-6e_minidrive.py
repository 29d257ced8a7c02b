# flashocc_lite0 trained on the voxels of one labelled LiDAR scan, measured by the classes of points.
_base_ = [
    '../_base_/models/flashocc_lite0.py',
    '../_base_/datasets/minidrive-sparse.py',
    '../_base_/schedules/adamw-cosine-6e.py',
    '../_base_/default_runtime.py',
]
model = _base_.student
model.view_transform.update(point_cloud_range=_base_.point_cloud_range, grid_size=[128, 128, 5])
model.grid_backbone.in_channels = 160  # five floors of 32 channels
model.occ_head.update(num_heights=_base_.grid_size[2], mask=None)
train_dataloader = dict(batch_size=1)
val_dataloader = dict(batch_size=2)
test_dataloader = dict(batch_size=2)
