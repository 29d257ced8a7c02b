"""Scenes, and slow forms of the published evaluators."""

import math

import numpy as np
import torch


def make_scene(seed):
    """Ground, walls and boxes in an Occ3D grid: (200, 200, 16) uint8."""
    rng = np.random.default_rng(seed)
    scene = np.full((200, 200, 16), 17, np.uint8)
    scene[:, :, :2] = np.where(rng.random((200, 200, 1)) < 0.7, 11, 13)
    for _ in range(60):
        x, y, z = rng.integers(0, (190, 190, 3))
        size = rng.integers(1, (12, 12, 9))
        scene[x : x + size[0], y : y + size[1], z : z + size[2]] = rng.integers(0, 17)
    return scene


def disturb(scene, seed, share=0.02):
    """A prediction: the scene one voxel off, with wrong classes here and there."""
    rng = np.random.default_rng(seed)
    pred = np.roll(scene, 1, 0)
    wrong = rng.random(scene.shape) < share
    pred[wrong] = rng.integers(0, 18, int(wrong.sum()))
    return pred


def cast_ray(occupied, xo, yo, zo, xe, ye, ze):
    """Literal `dvr` in test mode for one ray in voxel units: voxel, distance. Slow on purpose."""
    big = 1.7976931348623157e308
    nx, ny, nz = occupied.shape
    vx, vy, vz = int(xo), int(yo), int(zo)
    rx, ry, rz = xe - xo, ye - yo, ze - zo
    length = math.sqrt(rx * rx + ry * ry + rz * rz)
    dx, dy, dz = rx / length, ry / length, rz / length
    sx, sy, sz = 1 if dx >= 0 else -1, 1 if dy >= 0 else -1, 1 if dz >= 0 else -1
    tx = (float(vx + (0 if sx < 0 else 1)) - xo) / dx if dx != 0 else big
    ty = (float(vy + (0 if sy < 0 else 1)) - yo) / dy if dy != 0 else big
    tz = (float(vz + (0 if sz < 0 else 1)) - zo) / dz if dz != 0 else big
    ddx = sx / dx if dx != 0 else big
    ddy = sy / dy if dy != 0 else big
    ddz = sz / dz if dz != 0 else big
    path = np.zeros((1446, 3), np.int64)
    dist = np.zeros(1446)
    step, count, was_inside = 0, 0, False
    while True:
        inside = 0 <= vx < nx and 0 <= vy < ny and 0 <= vz < nz
        if inside:
            was_inside = True
            path[count, 0], path[count, 1], path[count, 2] = vx, vy, vz
        elif was_inside:
            break
        if tx < ty:
            if tx < tz:
                d, vx, tx = tx, vx + sx, tx + ddx
            else:
                d, vz, tz = tz, vz + sz, tz + ddz
        elif ty < tz:
            d, vy, ty = ty, vy + sy, ty + ddy
        else:
            d, vz, tz = tz, vz + sz, tz + ddz
        if inside:
            dist[count] = d
            count += 1
        step += 1
        if step > 1000:
            break
    if count == 0:
        return 0, 0, 0, -1.0
    last = count - 1
    for i in range(count):
        if occupied[path[i, 0], path[i, 1], path[i, 2]]:
            last = i
            break
    return path[last, 0], path[last, 1], path[last, 2], dist[last]


def cast_rays(occupied, start, ends, cast=cast_ray):
    """Voxels (R, 3) and distances (R,) float32 of rays from one origin, in voxel units."""
    hits = [cast(occupied, *start, *end) for end in ends]
    return np.array([hit[:3] for hit in hits]), np.array([hit[3] for hit in hits], np.float32)


def published_rays(semantics, rays, origins, cast=cast_ray):
    """Class and distance of every ray of all origins, as SparseOcc's `process_one_sample` computes them in torch."""
    offset, scaler = torch.Tensor([-40, -40, -1.0])[None, None], torch.Tensor([0.4] * 3)[None, None]
    labels, distances = [], []
    for origin in torch.from_numpy(origins):
        origin = origin[None, None]
        ends = torch.from_numpy(rays)[None] + origin
        start = ((origin - offset) / scaler).float()[0, 0].double().numpy()
        end = ((ends - offset) / scaler).float()[0].double().numpy()
        cells, dist = cast_rays(semantics != 17, start, end, cast)
        dist = torch.from_numpy(dist)
        dist *= 0.4
        labels.append(semantics[tuple(cells.T)])
        distances.append(dist.numpy())
    return np.concatenate(labels), np.concatenate(distances)


def published_counts(pred, target, rays, origins, cast=cast_ray):
    """Counts of `calc_rayiou`: hits at 1, 2 and 4 m, rays of the label, rays of the prediction; 17 classes."""
    (pred_label, pred_dist), (label, dist) = (published_rays(s, rays, origins, cast) for s in (pred, target))
    keep = label != 17
    pred_label, pred_dist, label, dist = pred_label[keep], pred_dist[keep], label[keep], dist[keep]
    error = np.abs(pred_dist - dist)
    rows = [[((label == c) & (pred_label == c) & (error < metres)).sum() for c in range(17)] for metres in (1, 2, 4)]
    rows += [[(ids == c).sum() for c in range(17)] for ids in (label, pred_label)]
    return np.array(rows)


def published_fscore(pred, target, mask, threshold):
    """`Metric_FScore` of the challenge for one frame, with scikit-learn's trees as published."""
    from sklearn.neighbors import KDTree

    points = []
    for ids in (pred, target):
        index = np.nonzero((ids != 17) & (ids != 255) & mask)
        points.append(np.stack([i * 0.4 + 0.4 / 2 + low for i, low in zip(index, (-40, -40, -1))], 1))
    if not len(points[0]):
        return 0.0
    complete = (KDTree(points[0], leaf_size=10).query(points[1])[0] < threshold).mean()
    accuracy = (KDTree(points[1], leaf_size=10).query(points[0])[0] < threshold).mean()
    return 2.0 / (1 / (accuracy + 1e-8) + 1 / (complete + 1e-8))


def published_histogram(pred, target, mask):
    """`hist_info` of the challenge."""
    gt, pr = target[mask].flatten(), pred[mask].flatten()
    k = (gt >= 0) & (gt < 18)
    return np.bincount(18 * gt[k].astype(int) + pr[k].astype(int), minlength=18**2).reshape(18, 18)
