"""One scene: street, weather, rig, ego path and agents, all drawn from the seed and the index of the scene."""

from dataclasses import dataclass, field

import numpy as np

from projects.minidrive.presets import Preset
from projects.minidrive.shapes.geometry import make_transform, rotation_on_surface, rotation_z
from projects.minidrive.shapes.primitives import Prims, concatenate
from projects.minidrive.shapes.raycast import World, make_world
from projects.minidrive.shapes.sky import draw_sky
from projects.minidrive.shapes.taxonomy import CATEGORY_INDEX

from .agents import Agent
from .ego_car import KEYFRAME_PERIOD, EgoPath, Rig, draw_path, draw_rig
from .layout import Street, draw_street
from .population import populate

GLOBAL_SPAN = 200.0  # side of a scene's map in metres


@dataclass
class Scene:
    """A scene in its own street frame; ``street2global`` (4, 4) moves it into the global frame of its map."""

    index: int
    street: Street
    sky: np.ndarray
    rig: Rig
    path: EgoPath
    agents: list[Agent]
    num_keyframes: int
    street2global: np.ndarray
    wanted: tuple[str, ...]
    _world: tuple[float, World] | None = field(default=None, init=False, repr=False)
    _shapes: Prims = field(init=False, repr=False)

    @property
    def duration(self) -> float:
        """Time of the last keyframe in seconds; the first is at 0."""
        return (self.num_keyframes - 1) * KEYFRAME_PERIOD

    def agent_pose(self, agent: Agent, time: float) -> np.ndarray:
        """Agent (origin on the ground below the box centre) to street frame, 4x4."""
        s = agent.s + agent.speed * np.cos(agent.heading) * time
        d = agent.d + agent.speed * np.sin(agent.heading) * time
        x, y, heading = self.street.point(s, d, agent.road)
        rotation = rotation_on_surface(heading + agent.heading, self.street.normal(x, y))
        return make_transform(rotation, np.array([x, y, self.street.height(x, y)]))

    def agent_box(self, agent: Agent, time: float) -> tuple[np.ndarray, tuple[float, float, float]]:
        """Box centre pose in the street frame (4, 4) and its length, width, height."""
        pose = self.agent_pose(agent, time)
        pose[:3, 3] += pose[:3, 2] * agent.size[2] / 2
        return pose, agent.size

    def __post_init__(self) -> None:
        """Join the shapes of all agents, each still in its agent's frame."""
        batches = [
            agent.prims._replace(
                agent=np.full(len(agent.prims.kind), index),
                category=np.full(len(agent.prims.kind), CATEGORY_INDEX[agent.category]),
            )
            for index, agent in enumerate(self.agents)
        ]
        self._shapes = concatenate(batches)

    def prims_at(self, time: float) -> Prims:
        """All primitives at an instant."""
        poses = np.stack([self.agent_pose(agent, time) for agent in self.agents])[self._shapes.agent]
        rotation = poses[:, :3, :3]
        centre = np.einsum('nij,nj->ni', rotation, self._shapes.centre) + poses[:, :3, 3]
        moved = self._shapes._replace(centre=centre, rot=self._shapes.rot @ rotation.transpose(0, 2, 1))
        return concatenate([self.street.furniture, moved])

    def world_at(self, time: float) -> World:
        """World at an instant; the last one is kept."""
        if self._world is None or self._world[0] != time:
            world = make_world(self.prims_at(time), self.street.ground, self.street.parcels, self.sky)
            self._world = (time, world)
        return self._world[1]


def scene_rng(seed: int, index: int, *stream: int) -> np.random.Generator:
    """Random numbers of a scene, independent of every other scene and of the order of generation."""
    return np.random.Generator(np.random.PCG64([seed, index, *stream]))


def draw_scene(preset: Preset, seed: int, index: int, attempt: int = 0) -> Scene:
    """Draw scene ``index`` of a data set; another ``attempt`` gives another scene."""
    rng = scene_rng(seed, index, attempt)
    start = rng.uniform(-12.0, -4.0)
    turn = preset.index_in_split(index)
    street = draw_street(rng, start, force_flat=turn % 2 == 1 or rng.random() < 0.5)
    path = draw_path(rng, street, start)
    num_keyframes = int(rng.integers(preset.keyframes[0], preset.keyframes[1] + 1))
    duration = (num_keyframes - 1) * KEYFRAME_PERIOD
    agents, wanted = populate(rng, street, path, duration, turn)
    street2global = make_transform(
        rotation_z(rng.uniform(-np.pi, np.pi)), np.array([GLOBAL_SPAN / 2, GLOBAL_SPAN / 2, rng.uniform(0.0, 20.0)])
    )
    rig = draw_rig(rng, preset.image_size)
    return Scene(index, street, draw_sky(rng), rig, path, agents, num_keyframes, street2global, wanted)
