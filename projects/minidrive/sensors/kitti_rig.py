"""The stereo car of the KITTI format: a rectified pair of colour cameras and a 64-beam LiDAR."""

from dataclasses import dataclass

import numpy as np

from projects.minidrive.shapes.geometry import make_transform, rotation_rpy

# KITTI's car (sensor set-up page): colour cameras 1.65 m, LiDAR 1.73 m above the ground and 0.27 m behind the cameras;
# focal length 721.5 px of 1242 px; camera 2 sits 0.06 m to the left of camera 0, the origin of the rectified frame.
_FOCAL, _CAMERA_HEIGHT, _CAMERA_X = 721.5377 / 1242, 1.65, 1.3
_CAM0_TO_CAM2 = 0.06
_LIDAR_STEP = np.deg2rad(0.18)
_OPTICAL = np.array([[0.0, 0.0, 1.0], [-1.0, 0.0, 0.0], [0.0, -1.0, 0.0]])  # camera (x right, z forward) -> ego axes


@dataclass(frozen=True)
class StereoRig:
    """Calibration of one car. Camera 2 is the left, camera 3 the right one; both have the same intrinsics.

    Args:
        image_size (tuple[int, int]): Height and width in pixels.
        cam2img (np.ndarray): Intrinsics of both cameras. Shape (3, 3).
        baseline (float): Distance of the cameras in metres.
        left2ego (np.ndarray): Camera 2 to ego. Shape (4, 4).
        velo2ego (np.ndarray): LiDAR (x forward, y left) to ego. Shape (4, 4).
    """

    image_size: tuple[int, int]
    cam2img: np.ndarray
    baseline: float
    left2ego: np.ndarray
    velo2ego: np.ndarray

    def cam2ego(self, camera: int) -> np.ndarray:
        """Pose of camera 2 or 3: the right camera is shifted along the x axis of the left one."""
        offset = make_transform(np.eye(3), np.array([self.baseline if camera == 3 else 0.0, 0.0, 0.0]))
        return self.left2ego @ offset

    def projection(self, camera: int) -> np.ndarray:
        """``P_rect_0x`` (3, 4) as KITTI writes it: from the rectified frame of camera 0 to pixels."""
        shift = _CAM0_TO_CAM2 - (self.baseline if camera == 3 else 0.0)
        if camera in (0, 1):
            shift = 0.0 if camera == 0 else -self.baseline
        return self.cam2img @ np.array([[1.0, 0, 0, shift], [0, 1.0, 0, 0], [0, 0, 1.0, 0]])

    def lidar_rays(self) -> np.ndarray:
        """Unit directions (R, 3) in the LiDAR frame of the part of a revolution that the cameras see."""
        upper, lower = np.linspace(2.0, -8.33, 32), np.linspace(-8.83, -24.33, 32)
        tilt = np.deg2rad(np.concatenate([upper, lower]))[:, None]
        reach = np.arctan2(self.image_size[1] * 0.5, self.cam2img[0, 0]) + np.deg2rad(6.0)
        azimuth = np.arange(-reach, reach, _LIDAR_STEP)[None]
        flat = np.cos(tilt)
        rays = flat * np.cos(azimuth), flat * np.sin(azimuth), np.broadcast_to(np.sin(tilt), (64, azimuth.shape[1]))
        return np.stack(rays, axis=-1).reshape(-1, 3)


def draw_stereo_rig(rng: np.random.Generator, image_size: tuple[int, int]) -> StereoRig:
    """Draw a car. Mounting height, pitch and focal length vary between cars, so that one image leaves scale open."""
    height, width = image_size
    lift, zoom = rng.uniform(-0.35, 0.45), rng.uniform(0.82, 1.2)
    pitch, roll, yaw = rng.normal(0, 0.02), rng.normal(0, 0.01), rng.normal(0, 0.01)
    focal = _FOCAL * width * zoom
    centre = (width - 1) / 2 + rng.normal(0, 0.01) * width, (height - 1) / 2 + rng.uniform(-0.06, 0.06) * height
    cam2img = np.array([[focal, 0, centre[0]], [0, focal, centre[1]], [0, 0, 1.0]])
    baseline = 0.54 * rng.uniform(0.98, 1.02)
    rotation = rotation_rpy(roll, pitch, yaw) @ _OPTICAL
    left = np.array([_CAMERA_X, baseline / 2, _CAMERA_HEIGHT + lift])
    tilt = rng.normal(0, 0.005, 3)
    velo = np.array([_CAMERA_X - 0.27, 0.0, _CAMERA_HEIGHT + 0.08 + lift + rng.uniform(-0.03, 0.03)])
    velo2ego = make_transform(rotation_rpy(tilt[0], tilt[1], tilt[2]), velo)
    return StereoRig(image_size, cam2img, baseline, make_transform(rotation, left), velo2ego)
