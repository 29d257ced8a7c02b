"""Processes of a run end when their launcher is killed, instead of keeping other nodes waiting."""

import os
import signal
import subprocess
import sys
import time

LAUNCHER = """
import subprocess, sys, time
child = subprocess.Popen([sys.executable, '-c', sys.argv[1]])
print(child.pid, flush=True)
time.sleep(60)
"""
CHILD = """
import time
from projects.engine import end_with_launcher
end_with_launcher(poll=0.05)
print('watching', flush=True)
time.sleep(60)
"""


def is_running(pid):
    try:
        with open(f'/proc/{pid}/stat') as file:
            return file.read().rsplit(')', 1)[1].split()[0] != 'Z'
    except FileNotFoundError:
        return False


def test_a_process_ends_when_its_launcher_is_killed(repo):
    environment = {**os.environ, 'PYTHONPATH': str(repo)}
    command = [sys.executable, '-c', LAUNCHER, CHILD]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as launcher:
        pid = int(launcher.stdout.readline())
        try:
            assert launcher.stdout.readline() == 'watching\n'
            assert is_running(pid)
            launcher.send_signal(signal.SIGKILL)
            launcher.wait()
            deadline = time.monotonic() + 10
            while is_running(pid) and time.monotonic() < deadline:
                time.sleep(0.02)
            assert not is_running(pid)
        finally:
            if is_running(pid):
                os.kill(pid, signal.SIGKILL)
