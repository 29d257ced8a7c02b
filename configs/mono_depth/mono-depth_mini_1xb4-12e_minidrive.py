# The smallest student. In training its pipeline reads pairs, so that mirrored samples come from
# the right camera as they do under the teacher; the model sees one image, and testing reads one.
_base_ = [
    '../_base_/models/mono-depth_mini.py',
    '../_base_/datasets/minidrive-depth.py',
    '../_base_/schedules/adamw-cosine-12e_depth.py',
    '../_base_/default_runtime.py',
]
model = _base_.student
train_dataloader = dict(dataset=dict(stereo=True))
