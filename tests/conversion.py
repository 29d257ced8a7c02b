"""Runs the converter behind ``tools/create_data.py occ3d-nus`` on fake data, and reads and damages its files."""

import json
import pickle
import sys
from pathlib import Path

TOOLS = Path(__file__).parents[1] / 'tools'
sys.path.insert(0, str(TOOLS))

from dataset_converters.occ3d_nuscenes import Occ3DConverter  # noqa: E402


def convert(root, version='v1.0-minidrive', workers=1, **kwargs):
    return Occ3DConverter(str(root), version, str(root), workers=workers, **kwargs).run()


def tokens_of(root, version='v1.0-minidrive'):
    return [record['token'] for record in json.loads((root / version / 'sample.json').read_text())]


def edit_table(root, name, change, version='v1.0-minidrive'):
    path = root / version / f'{name}.json'
    records = json.loads(path.read_text())
    change(records)
    path.write_text(json.dumps(records))
    return records


def items_of(root, split='train'):
    return pickle.loads((root / f'occ3d-nus_infos_{split}.pkl').read_bytes())['data_list']
