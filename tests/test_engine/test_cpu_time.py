"""CPU time of a training step."""

import json
import time

from mmengine.config import Config

from projects.engine import SafeRunner


def test_cpu_time_counts_work_and_not_waiting(toys, tmp_path):
    """Two steps of the toy that wait for 0.2 s each: the wall clock sees it, the CPU clock does not."""
    cfg = toys.toy_config(tmp_path, epochs=1)
    cfg['default_hooks'].update(cpu_time={'type': 'CPUTimeHook'}, logger={'type': 'LoggerHook', 'interval': 1})
    runner = SafeRunner.from_cfg(Config(cfg))
    runner.model.head.register_forward_pre_hook(lambda *_: time.sleep(0.2))
    runner.train()
    (log,) = tmp_path.glob('*/vis_data/scalars.json')
    records = [json.loads(line) for line in log.read_text().splitlines()]
    steps = [record for record in records if 'loss' in record]
    assert steps
    assert all(record['time'] > 0.2 for record in steps)
    assert all(0 < record['cpu_time'] < 0.15 for record in steps)
