"""The field of logits that are constant in each voxel, file by backend."""
