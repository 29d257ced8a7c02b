"""MiniDrive of the smallest size, made once in a session of tests, however many workers it has."""

import fcntl
import os

COMMAND = ('tools/create_minidrive.py', 'minidrive', '--preset', 'tiny', '--seed', '0', '--workers', '2')
"""The command that makes it in the format of nuScenes."""
KITTI_COMMAND = ('tools/create_minidrive.py', 'minidrive-kitti', '--format', 'kitti', *COMMAND[2:])
"""The command that makes it in the format of KITTI."""


def make_once(command, tmp_path_factory, tool_server):
    """Run a command of this file, or wait for the worker that does.

    Args:
        command (tuple): ``COMMAND`` or ``KITTI_COMMAND``.
        tmp_path_factory (pytest.TempPathFactory): Names the folder of the worker, which lies in that of the session.
        tool_server (ToolServer): Runs the command.

    Returns:
        Path: Root of the data set, for reading only.
    """
    folder = tmp_path_factory.getbasetemp()
    if 'PYTEST_XDIST_WORKER' in os.environ:
        folder = folder.parent
    with open(folder / f'{command[1]}.lock', 'w') as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # the file's end releases it
        made = tool_server.run(command, folder)  # a complete data set is left alone
    assert made.code == 0, made
    assert '6 scenes' in made.stdout, made
    return folder / command[1]
