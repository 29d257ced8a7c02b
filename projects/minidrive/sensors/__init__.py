"""What is seen: pictures, LiDAR sweeps, segments and labels of a scene."""
