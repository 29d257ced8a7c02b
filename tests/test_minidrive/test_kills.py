"""Whatever is killed and restarted, the data set ends at the bytes of an uninterrupted run."""

import glob
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

from projects.fileio import FolderLock
from projects.minidrive import VERSION, generate, generate_kitti
from projects.minidrive.state import LOCK, STATE

TOOL = Path(__file__).resolve().parents[2] / 'tools' / 'create_minidrive.py'

# Runs the generator in one fork after the other. Each is killed just before the n-th change of a file whose path holds
# a given word: (event of the audit hook, word, n).
KILLER = """
import json, os, signal, sys
from projects.minidrive import generate, generate_kitti

FLAGS = os.O_WRONLY | os.O_RDWR | os.O_CREAT

def hook_of(root, event, word, count):
    seen = 0
    def hook(what, args):
        nonlocal seen
        if what != event or what == 'open' and not (isinstance(args[2], int) and args[2] & FLAGS):
            return
        names = [os.fspath(a) for a in args[:2] if isinstance(a, (str, os.PathLike))]
        if any(n.startswith(root) and word in n[len(root) :] for n in names):
            seen += 1
            if seen == count:
                os.kill(os.getpid(), signal.SIGKILL)
    return hook

def main(root, form, points):
    for point in points:
        pid = os.fork()
        if not pid:
            sys.addaudithook(hook_of(root, *point))
            make = generate if form == 'nuscenes' else generate_kitti
            make(root, 'tiny', workers=1, progress=False)
            os._exit(0)
        print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), flush=True)

if __name__ == '__main__':
    main(sys.argv[1], sys.argv[2], json.loads(sys.argv[3]))
"""

KITTI_POINTS = [
    ('os.rename', 'config.json', 1),  # the folder is there, its config is not
    ('open', 'drive_0001_sync/image_03', 1),  # in the first drive
    ('os.rename', 'drive_0001_sync', 1),  # its files move to their places: the first ...
    ('os.rename', 'depth', 2),  # ... and a later one of a drive whose folders exist
    ('os.rename', 'drive_0003_sync.json', 1),  # all but the record
    ('open', 'minidrive_val', 1),  # in the lists
    ('os.rename', 'shared.json', 1),  # all but the last record
    ('os.remove', 'lock', 1),  # all but giving the folder free
]
NUSCENES_POINTS = [
    ('open', 'CAM_BACK', 2),
    ('os.rename', 'samples', 4),
    ('open', 'sample_data.json', 1),
    ('os.rename', VERSION, 1),
]


def digests(root):
    return {
        p.relative_to(root).as_posix(): hashlib.sha256(p.read_bytes()).hexdigest()
        for p in sorted(root.rglob('*'))
        if p.is_file()
    }


def kill_at(tmp_path, root, form, points):
    script = tmp_path / 'killer.py'
    script.write_text(KILLER)
    command = [sys.executable, str(script), str(root), form, json.dumps(points)]
    codes = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout.split()
    assert codes == ['-9'] * len(points)


def test_kitti_data_set_has_the_bytes_of_a_whole_run_after_kills_at_every_step(kitti_root, tmp_path):
    root = tmp_path / 'data'
    kill_at(tmp_path, root, 'kitti', KITTI_POINTS)
    assert (root / STATE / LOCK).exists()
    generate_kitti(root, 'tiny', progress=False)
    assert digests(root) == digests(kitti_root)


def test_nuscenes_data_set_has_the_bytes_of_a_whole_run_after_kills_in_the_last_scene_and_the_tables(
    minidrive_root, tmp_path
):
    root = tmp_path / 'data'
    shutil.copytree(minidrive_root, root)
    for part in ('scene-0006', 'shared'):
        (root / STATE / f'{part}.json').unlink()
    shutil.rmtree(root / VERSION)
    for path in [*root.rglob('*minidrive-0006*'), *root.glob('gts/scene-0006/*/*')]:
        path.unlink()
    kill_at(tmp_path, root, 'nuscenes', NUSCENES_POINTS)
    assert not (root / STATE / 'shared.json').exists()
    generate(root, 'tiny', progress=False)
    assert digests(root) == digests(minidrive_root)


def test_workers_end_with_a_killed_run_and_the_next_one_starts_at_once(kitti_root, tmp_path):
    root = tmp_path / 'data'
    command = [sys.executable, str(TOOL), str(root), '--preset', 'tiny', '--format', 'kitti', '--workers', '2']
    run = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 60
    # The main process makes the first drive; then the workers begin others.
    # glob.glob, unlike Path.glob, takes it that a folder is renamed meanwhile.
    while not (glob.glob(f'{root}/{STATE}/*sync.json') and glob.glob(f'{root}/{STATE}/*.part/*')):
        assert run.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.002)
    children = [int(pid) for pid in Path(f'/proc/{run.pid}/task/{run.pid}/children').read_text().split()]
    assert sum(map(is_worker, children)) == 2
    run.kill()
    run.wait()
    generate_kitti(root, 'tiny', progress=False)
    assert digests(root) == digests(kitti_root)
    assert not [pid for pid in children if is_worker(pid)]


def is_worker(pid):
    try:
        return b'spawn_main' in Path(f'/proc/{pid}/cmdline').read_bytes()
    except FileNotFoundError:
        return False


def test_second_run_in_a_folder_stops_at_once_and_names_folder_and_process(run_python, tmp_path):
    root = tmp_path / 'data'
    (root / STATE).mkdir(parents=True)
    options = ('--preset', 'tiny', '--format', 'kitti', '--workers', '1')
    with FolderLock(root, root / STATE / LOCK):
        second = run_python('tools/create_minidrive.py', root, *options, check=False)
        assert [p.name for p in root.rglob('*')] == [STATE, LOCK]
    assert second.returncode == 1
    assert second.stderr.startswith(f'error: {root} is in use by process {os.getpid()} on ')
    assert 'Traceback' not in second.stderr


def test_two_runs_that_start_together_leave_the_bytes_of_one(kitti_root, tmp_path):
    root = tmp_path / 'data'
    script = tmp_path / 'both.py'
    script.write_text(
        'import os, sys\n'
        'from projects.fileio import FolderInUseError\n'
        'from projects.minidrive import generate_kitti\n'
        'for _ in range(2):\n'
        '    if not os.fork():\n'
        '        try:\n'
        "            generate_kitti(sys.argv[1], 'tiny', progress=False)\n"
        '        except FolderInUseError:\n'
        '            os._exit(7)\n'
        '        os._exit(0)\n'
        'print(*sorted(os.waitstatus_to_exitcode(os.wait()[1]) for _ in range(2)))\n'
    )
    done = subprocess.run([sys.executable, str(script), str(root)], stdout=subprocess.PIPE, text=True)
    assert done.stdout.split() == ['0', '7']
    assert digests(root) == digests(kitti_root)


def test_worker_that_is_killed_is_one_message_and_keeps_what_is_finished(tmp_path):
    script, root = tmp_path / 'killed.py', tmp_path / 'data'
    script.write_text(
        'import os, sys\n'
        'from pathlib import Path\n'
        'from projects.minidrive.jobs import Plan, generate_data_set\n'
        'def write(index, staging):\n'
        '    if index == 2:\n'
        f'        os.kill(os.getpid(), {signal.SIGKILL:d})\n'
        "    (staging / f'{index}.txt').write_text('x')\n"
        'if __name__ == "__main__":\n'
        "    plan = Plan(Path(sys.argv[1]), {}, ['a', 'b', 'c'], write, print, (), None)\n"
        '    generate_data_set(plan, workers=2)\n'
    )
    done = subprocess.run([sys.executable, str(script), str(root)], capture_output=True, text=True)
    assert done.returncode == 1
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith('RuntimeError: a process that generated scenes was killed')
    assert 'give the same command again, with fewer workers' in last
    assert (root / STATE / 'a.json').exists()
    assert not (root / STATE / 'c.json').exists()
