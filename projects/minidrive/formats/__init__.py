"""What is written: one scene as files and records of nuScenes, or as a drive of KITTI."""
