import numpy as np
import pytest

from projects.fileio import restricted_load
from projects.occ_eval.infos import read_info_items

EYE, ZERO, UNIT = np.eye(4), [0.0, 0.0, 0.0], [1.0, 0.0, 0.0, 0.0]
# A sweep turned by 90 degrees: its point (4, 5, 6) is (-5, 4, 6) + (1, 2, 3) = (-4, 6, 9) in the key LiDAR.
TURN, SHIFT = np.array([[0.0, -1, 0], [1, 0, 0], [0, 0, 1]]), np.array([1.0, 2, 3])
POINT, IN_KEY = np.array([4.0, 5, 6, 1]), [-4, 6, 9, 1]


def bevdet_item():
    cam = {
        'data_path': './data/nuscenes/samples/CAM_FRONT/a.jpg',
        'sample_data_token': 'c',
        'timestamp': 1_500_000,
        'cam_intrinsic': np.eye(3),
        'sensor2lidar_rotation': np.eye(3),
        'sensor2lidar_translation': ZERO,
        'sensor2ego_rotation': UNIT,
        'sensor2ego_translation': ZERO,
        'ego2global_rotation': UNIT,
        'ego2global_translation': ZERO,
    }
    sweep = {
        'data_path': './data/nuscenes/sweeps/LIDAR_TOP/s.pcd.bin',
        'sample_data_token': 'sweep',
        'timestamp': 1_450_000,
        'sensor2lidar_rotation': TURN,
        'sensor2lidar_translation': SHIFT,
    }
    return {
        'token': 't',
        'timestamp': 1_500_000,
        'cams': {'CAM_FRONT': cam},
        'lidar_path': './data/nuscenes/samples/LIDAR_TOP/k.pcd.bin',
        'lidar2ego_rotation': UNIT,
        'lidar2ego_translation': ZERO,
        'ego2global_rotation': UNIT,
        'ego2global_translation': ZERO,
        'occ_path': './data/nuscenes/gts/scene-0001/t',
        'sweeps': [sweep],
    }


def mmdet3d_item(lidar2sensor, **sweep):
    """An item of mmdet3d's own v1.1 files, the car 5 m ahead of the origin."""
    key = np.eye(4)
    key[0, 3] = 5
    points = {'lidar_path': './data/nuscenes/sweeps/LIDAR_TOP/s.pcd.bin', **sweep.pop('lidar_points', {})}
    if lidar2sensor is not None:
        points['lidar2sensor'] = lidar2sensor.astype(np.float32).tolist()
    return {
        'token': 't',
        'timestamp': 1.5,
        'ego2global': key.tolist(),
        'lidar_points': {'lidar_path': 'k.pcd.bin', 'lidar2ego': EYE.tolist()},
        'images': {'CAM_FRONT': {'img_path': 'a.jpg'}},
        'lidar_sweeps': [{'lidar_points': points, 'timestamp': 1.45, 'sample_data_token': 'sweep', **sweep}],
    }


def rigid(rotation, translation):
    matrix = np.eye(4)
    matrix[:3, :3], matrix[:3, 3] = rotation, translation
    return matrix


# Key to sweep by hand: the transposed turn, and minus the turned back shift (2, -1, 3).
INVERSE = rigid(TURN.T, [-2, 1, -3])
BEFORE_2110 = rigid(TURN.T, -SHIFT)
POSES = {'ego2global': rigid(TURN, SHIFT + [5, 0, 0]).tolist(), 'lidar_points': {'lidar2ego': EYE.tolist()}}


def windows(value):
    if isinstance(value, dict):
        return {key: windows(part) for key, part in value.items()}
    if isinstance(value, list):
        return [windows(part) for part in value]
    return value.replace('/', '\\') if isinstance(value, str) else value


@pytest.mark.parametrize('system', [dict, windows])
@pytest.mark.parametrize(
    'content',
    [
        {'infos': [bevdet_item()]},
        {'data_list': [mmdet3d_item(INVERSE)]},
        {'data_list': [mmdet3d_item(INVERSE, **POSES)]},
        {'data_list': [mmdet3d_item(BEFORE_2110, **POSES)]},
        {'data_list': [mmdet3d_item(None, **POSES)]},
    ],
    ids=['bevdet', 'mmdet3d', 'mmdet3d with poses', 'mmdet3d before 2110', 'poses alone'],
)
def test_sweeps_of_every_format_lead_to_the_key_lidar(content, system):
    (sweep,) = read_info_items(system(content), 'x.pkl')[0]['lidar_sweeps']
    np.testing.assert_allclose(np.asarray(sweep['sweep2key']) @ POINT, IN_KEY, atol=1e-5)
    assert sweep['lidar_points']['lidar_path'] == 'sweeps/LIDAR_TOP/s.pcd.bin'
    assert sweep['timestamp'] == pytest.approx(1.45)
    assert sweep['sample_data_token'] == 'sweep'


def test_poses_that_agree_with_neither_reading_do_not_overrule_lidar2sensor():
    wrong = {**POSES, 'ego2global': rigid(TURN, [40, 0, 0]).tolist()}
    (sweep,) = read_info_items({'data_list': [mmdet3d_item(INVERSE, **wrong)]}, 'x.pkl')[0]['lidar_sweeps']
    np.testing.assert_allclose(np.asarray(sweep['sweep2key']) @ POINT, IN_KEY, atol=1e-5)


def test_our_own_sweeps_are_taken_as_they_are():
    item = mmdet3d_item(INVERSE, sweep2key=EYE.tolist())
    (sweep,) = read_info_items({'data_list': [item]}, 'x.pkl')[0]['lidar_sweeps']
    assert sweep == item['lidar_sweeps'][0]


@pytest.mark.parametrize('system', [dict, windows])
@pytest.mark.parametrize('end', ['', '/', '/labels.npz'])
def test_paths_of_a_bevdet_file_lose_their_root_on_every_system(system, end):
    info = {**bevdet_item(), 'occ_path': f'./data/nuscenes/gts/scene-0001/t{end}', 'prev': 'p'}
    item = read_info_items({'infos': [system(info)]}, 'x.pkl')[0]
    assert item['images']['CAM_FRONT']['img_path'] == 'a.jpg'
    assert item['lidar_points']['lidar_path'] == 'k.pcd.bin'
    assert item['occ_path'] == 'gts/scene-0001/t/labels.npz'
    assert (item['prev'], item.get('next')) == ('p', None)


def test_backslashes_in_every_path_of_a_v11_file_become_slashes():
    item = mmdet3d_item(INVERSE, sweep2key=EYE.tolist())
    item.update(occ_path='gts/scene/t/labels.npz', pts_semantic_mask_path='lidarseg/v1.0/a.bin')
    item['lidar_points']['lidar_path'] = 'x/k.pcd.bin'
    item['images']['CAM_FRONT'] = {'img_path': 'x/a.jpg', 'segments_path': 'segments/c.png'}
    assert read_info_items({'data_list': [windows(item)]}, 'x.pkl') == [item]


@pytest.mark.parametrize('name', ['sensor2lidar_rotation', 'timestamp', 'data_path'])
def test_bevdet_sweep_without_a_key_is_named(name):
    info = bevdet_item()
    del info['sweeps'][0][name]
    with pytest.raises(ValueError, match=rf"item 0 of x\.pkl \(sample t\), or one of .*, lacks '{name}'; write"):
        read_info_items({'infos': [info]}, 'x.pkl')


@pytest.mark.parametrize('token', ['../evil', '/tmp/evil', 'a/b', 'a\\b', 'C:a', 'a\0b', 'a' * 300, '', None, 5])
def test_tokens_that_lead_out_of_a_folder_are_refused_with_the_info_file(token):
    refused = r'item 0 of x\.pkl(: token .* cannot be a file name| .*has the token .* but it must be text)'
    with pytest.raises(ValueError, match=refused):
        read_info_items({'data_list': [{**mmdet3d_item(INVERSE), 'token': token}]}, 'x.pkl')
    with pytest.raises(ValueError, match=refused):
        read_info_items({'infos': [{**bevdet_item(), 'token': token}]}, 'x.pkl')
    item = mmdet3d_item(INVERSE)
    item['lidar_points']['sample_data_token'] = token or '..'
    with pytest.raises(ValueError, match=r'item 0 of x\.pkl: lidar_points\.sample_data_token .* cannot be a file name'):
        read_info_items({'data_list': [item]}, 'x.pkl')


@pytest.mark.parametrize('key', ['data_list', 'infos'])
@pytest.mark.parametrize(
    ('items', 'message'),
    [
        ('token', 'must be a list of samples, got str'),
        (None, 'must be a list of samples, got NoneType'),
        ([5], r'item 0 of x\.pkl .* is no dict, but int'),
        (['token timestamp ego2global lidar_points images'], r'item 0 of x\.pkl .* is no dict, but str'),
    ],
)
def test_items_of_another_kind_are_named(key, items, message):
    with pytest.raises(ValueError, match=message):
        read_info_items({key: items}, 'x.pkl')


@pytest.mark.parametrize('key', ['lidar_points', 'images'])
@pytest.mark.parametrize('value', [None, 'x', 5])
def test_parts_of_an_item_of_another_kind_are_named(key, value):
    with pytest.raises(
        ValueError, match=rf'item 0 of x\.pkl \(sample t\) has {key} of the type .*, but it must be a dict'
    ):
        read_info_items({'data_list': [{**mmdet3d_item(INVERSE), key: value}]}, 'x.pkl')


def test_lidar2sensor_that_has_no_inverse_is_named():
    with pytest.raises(ValueError, match=r'item 0 of x\.pkl \(sample t\), .* holds a matrix that is none'):
        read_info_items({'data_list': [mmdet3d_item(np.zeros((4, 4)))]}, 'x.pkl')


def our_item(token='t', timestamp=1.5, **changes):
    """An item of ours without what this test does not look at."""
    item = mmdet3d_item(INVERSE, sweep2key=EYE.tolist())
    return {**item, 'token': token, 'timestamp': timestamp, **changes}


def test_a_token_that_is_there_twice_is_refused_with_both_places():
    items = [our_item('a'), our_item('b'), our_item('a')]
    with pytest.raises(ValueError, match=r'x\.pkl holds the token a twice \(items 0 and 2\)'):
        read_info_items({'data_list': items}, 'x.pkl')
    with pytest.raises(ValueError, match=r'x\.pkl holds the token t twice \(items 0 and 1\)'):
        read_info_items({'infos': [bevdet_item(), bevdet_item()]}, 'x.pkl')


@pytest.mark.parametrize(
    ('changes', 'message'),
    [
        ({'token': 5}, r'item 1 of x\.pkl \(sample 5\) has the token 5, but it must be text'),
        ({'token': ''}, 'must be text'),
        ({'token': ['a']}, 'must be text'),
        ({'timestamp': float('nan')}, r'item 1 .* \(sample u\) has the timestamp nan, but it must be a number'),
        ({'timestamp': 'soon'}, "has the timestamp 'soon'"),
        ({'timestamp': None}, 'has the timestamp None'),
        ({'scene_token': ['s']}, r"has the scene_token \['s'\], but it must be text"),
        ({'lidar_points': None}, 'has lidar_points of the type NoneType, but it must be a dict'),
        ({'images': 'x'}, 'has images of the type str'),
        ({'images': {'CAM': 3}}, r'item 1 of x\.pkl \(sample u\), or one of its cameras .* another kind'),
        ({'lidar_sweeps': 4}, r'item 1 of x\.pkl \(sample u\), or one of .* sweeps, holds a value of another kind'),
        ({'lidar_sweeps': [5]}, 'another kind'),
        ({'prev': 'u'}, r'time 2\.0 s has the prev u of the time 2\.0 s, which must be earlier'),
        ({'next': 'u'}, 'has the next u .* which must be later'),
        ({'prev': 't', 'timestamp': 1.0}, r'time 1\.0 s has the prev t of the time 1\.5 s, which must be earlier'),
        ({'next': 't'}, r'time 2\.0 s has the next t of the time 1\.5 s, which must be later'),
    ],
)
def test_an_item_with_a_wrong_value_is_refused_with_file_sample_and_key(changes, message):
    items = [our_item(), our_item('u', 2.0)]
    read_info_items({'data_list': items}, 'x.pkl')
    items[1].update(changes)
    with pytest.raises(ValueError, match=message):
        read_info_items({'data_list': items}, 'x.pkl')


def test_neighbours_that_the_file_does_not_hold_and_right_ones_pass():
    items = [our_item('a', 1.0, prev='elsewhere', next='b'), our_item('b', 1.5, prev='a', next='')]
    assert [item['token'] for item in read_info_items({'data_list': items}, 'x.pkl')] == ['a', 'b']


@pytest.mark.parametrize(
    ('content', 'message'),
    [
        ({'data_list': 'abc'}, 'data_list of x.pkl must be a list of samples, got str'),
        ({'data_list': 7}, 'must be a list of samples, got int'),
        ({'data_list': {'token': 'a'}}, 'must be a list of samples, got dict'),
        ({'data_list': [5]}, r'item 0 of x\.pkl .* is no dict, but int'),
        ({'infos': [None]}, r'item 0 of x\.pkl .* is no dict, but NoneType'),
        ({'infos': [{'cams': 3}]}, r'item 0 of x\.pkl \(sample without token\)'),
        ({3: 4}, r'x\.pkl is no info file'),
    ],
)
def test_content_of_another_form_is_refused_with_the_file(content, message):
    with pytest.raises(ValueError, match=message):
        read_info_items(content, 'x.pkl')


def test_sample_of_our_own_files_without_lidar_sweeps_is_refused_and_of_others_read():
    items = [our_item('a', 1.0), our_item('b', 1.5)]
    del items[1]['lidar_sweeps']
    assert len(read_info_items({'data_list': items, 'metainfo': {}}, 'x.pkl')) == 2
    with pytest.raises(ValueError, match=r"item 1 of x\.pkl \(sample b\) lacks \['lidar_sweeps'\]"):
        read_info_items({'data_list': items, 'metainfo': {'max_sweeps': 10}}, 'x.pkl')


def test_quaternion_of_another_length_is_refused():
    info = {**bevdet_item(), 'lidar2ego_rotation': [2.0, 0, 0, 0]}
    with pytest.raises(ValueError, match=r'item 0 of x\.pkl \(sample t\).*\(lidar2ego_rotation .* length 2, not 1'):
        read_info_items({'infos': [info]}, 'x.pkl')


def camera_item(shift, old, token='t'):
    """Four cameras 1 m from the LiDAR, looking outwards, on a car that moves 10 m/s; firing at other times than it."""
    images = {}
    for view in range(4):
        angle, lag = view * np.pi / 2, 0.02 * view - 0.04
        ahead, left = np.array([np.cos(angle), np.sin(angle), 0]), np.array([-np.sin(angle), np.cos(angle), 0])
        rotation = np.stack([-left, [0, 0, -1], ahead], 1)  # camera axes right, down, forward
        cam2ego = rigid(rotation, ahead + [0, 0, 1.5])
        centre = ahead - [0, 0, 0.3] + [10 * lag * shift, 0, 0]  # in the LiDAR frame, 1.8 m above the ego's origin
        images[f'CAM_{view}'] = {
            'img_path': 'a.jpg',
            'timestamp': 1.5 + lag,
            'cam2ego': cam2ego.tolist(),
            'lidar2cam': rigid(rotation.T, -centre if old else -rotation.T @ centre).astype(np.float32).tolist(),
        }
    lidar = {'lidar_path': 'k.pcd.bin', 'lidar2ego': rigid(np.eye(3), [0, 0, 1.8]).tolist()}
    item = {'token': token, 'timestamp': 1.5, 'ego2global': EYE.tolist()}
    return {**item, 'lidar_points': lidar, 'images': images}


@pytest.mark.parametrize('shift', [0, 1, 3], ids=['standing', '10 m/s', '30 m/s'])
def test_lidar2cam_of_mmdet3d_before_december_2022_is_corrected_with_a_warning(shift):
    right = [camera_item(shift, False, f't{i}') for i in range(3)]
    with pytest.warns(UserWarning, match=r'x\.pkl is of mmdet3d from before December 2022: .* lidar2cam are wrong'):
        items = read_info_items({'data_list': [camera_item(shift, True, f't{i}') for i in range(3)]}, 'x.pkl')
    for item, expected in zip(items, right):
        for name, image in item['images'].items():
            np.testing.assert_allclose(image['lidar2cam'], expected['images'][name]['lidar2cam'], atol=1e-6)


@pytest.mark.parametrize('shift', [0, 1, 3])
def test_right_lidar2cam_is_left_alone(shift, recwarn):
    items = [camera_item(shift, False)]
    assert read_info_items({'data_list': items}, 'x.pkl') == items
    assert not recwarn.list


def test_lidar2cam_of_the_real_keyframe_is_left_alone_and_corrected_when_it_is_made_old(realdata, recwarn):
    path = next((realdata / 'nuscenes_keyframe').glob('*.pkl'))
    (item,) = restricted_load(path)['data_list']
    (read,) = read_info_items({'data_list': [item]}, 'x.pkl')
    assert not recwarn.list
    assert read['images'] == item['images']
    old = {**item, 'images': {}}
    for name, image in item['images'].items():
        lidar2cam = np.array(image['lidar2cam'])
        camera_in_lidar = -lidar2cam[:3, :3].T @ lidar2cam[:3, 3]
        old['images'][name] = {**image, 'lidar2cam': rigid(lidar2cam[:3, :3], -camera_in_lidar).tolist()}
    with pytest.warns(UserWarning, match='before December 2022'):
        (read,) = read_info_items({'data_list': [old]}, 'x.pkl')
    for name, image in item['images'].items():
        np.testing.assert_allclose(read['images'][name]['lidar2cam'], image['lidar2cam'], atol=1e-6)
