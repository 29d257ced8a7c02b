"""The field of logits that are interpolated between voxel centres, file by backend."""
