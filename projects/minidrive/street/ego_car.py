"""The ego car: calibration of its six cameras and LiDAR, their trigger times, and the path that it drives."""

from dataclasses import dataclass

import numpy as np

from projects.minidrive.shapes import ground as gr
from projects.minidrive.shapes.geometry import make_transform, rotation_on_surface, rotation_rpy

from .layout import Street

LIDAR = 'LIDAR_TOP'
KEYFRAME_PERIOD = 0.5
SWEEP_PERIOD = 0.05
LIDAR_BEAMS = 32
LIDAR_AZIMUTHS = 1080
LIDAR_MIN_RANGE, LIDAR_MAX_RANGE = 1.5, 75.0

# yaw (deg), x, y, z (m) in the ego frame, focal length (px at width 1600), trigger time against the LiDAR (s).
_MOUNTING = {
    'CAM_FRONT': (0.0, 1.70, 0.0, 1.51, 1266.0, -0.035),
    'CAM_FRONT_RIGHT': (-55.0, 1.55, -0.49, 1.50, 1261.0, -0.028),
    'CAM_BACK_RIGHT': (-110.0, 1.02, -0.48, 1.56, 1259.0, -0.020),
    'CAM_BACK': (180.0, 0.03, 0.0, 1.57, 809.0, -0.010),
    'CAM_BACK_LEFT': (110.0, 1.04, 0.48, 1.59, 1257.0, -0.001),
    'CAM_FRONT_LEFT': (55.0, 1.52, 0.49, 1.51, 1272.0, -0.043),
}
CAMERAS = tuple(_MOUNTING)
_OPTICAL = np.array([[0.0, 0.0, 1.0], [-1.0, 0.0, 0.0], [0.0, -1.0, 0.0]])  # camera (x right, z forward) -> ego axes


@dataclass
class Rig:
    """Calibration of one vehicle.

    Args:
        image_size (tuple[int, int]): Height and width in pixels.
        cam2ego (dict[str, np.ndarray]): Camera to ego, 4x4 each.
        cam2img (dict[str, np.ndarray]): Intrinsics, 3x3 each.
        lidar2ego (np.ndarray): LiDAR (x right, y forward) to ego, 4x4.
        trigger (dict[str, float]): Time of each camera against the LiDAR keyframe, in seconds.
        lidar_tilts (np.ndarray): Elevation of each beam in radians, from low to high.
    """

    image_size: tuple[int, int]
    cam2ego: dict[str, np.ndarray]
    cam2img: dict[str, np.ndarray]
    lidar2ego: np.ndarray
    trigger: dict[str, float]
    lidar_tilts: np.ndarray


def draw_rig(rng: np.random.Generator, image_size: tuple[int, int]) -> Rig:
    """Draw a rig. Mounting height and focal length vary between vehicles and are not visible in an image."""
    height, width = image_size
    lift, zoom = rng.uniform(-0.25, 0.35), rng.uniform(0.87, 1.15)
    cam2ego, cam2img, trigger = {}, {}, {}
    for name, (yaw, x, y, z, focal, delay) in _MOUNTING.items():
        jitter = rng.normal(0, 0.012, 3)
        rotation = rotation_rpy(jitter[0], jitter[1], np.deg2rad(yaw) + jitter[2]) @ _OPTICAL
        position = np.array([x, y, z + lift]) + rng.normal(0, 0.02, 3)
        cam2ego[name] = make_transform(rotation, position)
        f = focal * zoom * rng.uniform(0.98, 1.02) * width / 1600
        cx, cy = (width - 1) / 2 + rng.normal(0, 0.008) * width, (height - 1) / 2 + rng.uniform(0.0, 0.06) * height
        cam2img[name] = np.array([[f, 0, cx], [0, f, cy], [0, 0, 1.0]])
        trigger[name] = delay + rng.uniform(-0.002, 0.002)
    tilt = rng.normal(0, 0.008, 3)
    lidar2ego = make_transform(
        rotation_rpy(tilt[0], tilt[1], -np.pi / 2 + tilt[2]),
        np.array([0.94, 0.0, 1.84 + lift + rng.uniform(-0.05, 0.05)]),
    )
    return Rig(image_size, cam2ego, cam2img, lidar2ego, trigger, np.deg2rad(np.linspace(-30.0, 10.0, LIDAR_BEAMS)))


@dataclass
class EgoPath:
    """Motion of the ego car along a lane of the first road.

    The suspension pitches and rolls the ego frame against the road, so a camera cannot assume a fixed horizon.
    """

    street: Street
    s0: float
    d0: float
    speed: float
    acceleration: float
    sway: np.ndarray  # amplitude, frequency, phase of pitch, roll, heave and lateral drift: (4, 3)
    lean: np.ndarray  # constant roll and pitch of the loaded car, radians (2,)

    def arc_length(self, time: float) -> float:
        """Arc length at a time in seconds."""
        return self.s0 + self.speed * time + 0.5 * self.acceleration * time * time

    def pose(self, time: float) -> np.ndarray:
        """Ego to street frame, 4x4; the origin is on the road below the rear axle."""
        wave = self.sway[:, 0] * np.sin(self.sway[:, 1] * time + self.sway[:, 2])
        d = self.d0 + wave[3]
        x, y, heading = self.street.point(self.arc_length(time), d)
        speed = max(self.speed + self.acceleration * time, 0.5)
        heading += (
            np.arctan2(self.sway[3, 0] * self.sway[3, 1] * np.cos(self.sway[3, 1] * time + self.sway[3, 2]), speed)
            * 0.5
        )
        rotation = rotation_on_surface(heading, self.street.normal(x, y))
        rotation = rotation @ rotation_rpy(self.lean[0] + wave[1], self.lean[1] + wave[0], 0.0)
        z = gr.height(x, y, self.street.ground) + wave[2]
        return make_transform(rotation, np.array([x, y, z]))


def draw_path(rng: np.random.Generator, street: Street, start: float) -> EgoPath:
    """Draw the ego car's lane and speed: mostly driving at 3 to 12 m/s, sometimes creeping."""
    lane = int(rng.integers(int(street.ground[gr.G_LANES])))
    speed = rng.uniform(3.0, 12.0) if rng.random() < 0.88 else rng.uniform(0.3, 1.5)
    amplitude = np.array([0.012, 0.010, 0.02, 0.12]) * rng.uniform(0.3, 1.2, 4)
    sway = np.stack([amplitude, rng.uniform([4, 3, 5, 0.4], [9, 7, 9, 1.0]), rng.uniform(0, 6, 4)], axis=1)
    acceleration = rng.uniform(-0.8, 1.0) if speed > 3 else 0.0
    return EgoPath(street, start, street.lane_centre(lane), speed, acceleration, sway, rng.normal(0, 0.008, 2))
