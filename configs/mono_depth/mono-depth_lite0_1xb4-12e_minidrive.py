_base_ = [
    '../_base_/models/mono-depth_lite0.py',
    '../_base_/datasets/minidrive-depth.py',
    '../_base_/schedules/adamw-cosine-12e_depth.py',
    '../_base_/default_runtime.py',
]
model = _base_.student
train_dataloader = dict(dataset=dict(stereo=True))  # as in mono-depth_mini_1xb4-12e_minidrive.py
