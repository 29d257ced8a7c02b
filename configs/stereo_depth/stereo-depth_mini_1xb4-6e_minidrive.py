# The smallest teacher.
_base_ = [
    '../_base_/models/stereo-depth_mini.py',
    '../_base_/datasets/minidrive-stereo.py',
    '../_base_/schedules/adamw-cosine-6e_depth.py',
    '../_base_/default_runtime.py',
]
model = _base_.teacher
