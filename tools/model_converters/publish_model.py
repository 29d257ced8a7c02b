#!/usr/bin/env python
"""Make a checkpoint small and name it after its content: publish_model.py IN OUT."""

from pathlib import Path
from tempfile import TemporaryDirectory

from projects.cli import ToolParser, run_tool
from projects.engine import file_sha256, load_checkpoint_safe, save_checkpoint_atomic


def publish(in_file, out_file):
    """Write the weights and meta data of ``in_file`` to ``<out_file>-<8 hex digits>.pth``.

    Args:
        in_file (str): Any checkpoint.
        out_file (str): Name to which the start of the file's SHA-256 is added.

    Returns:
        Path: The written file.
    """
    checkpoint = load_checkpoint_safe(in_file)
    out = Path(out_file)
    stem = out.stem if out.suffix == '.pth' else out.name
    out.parent.mkdir(parents=True, exist_ok=True)
    # In a folder of its own: another process may publish under the same name at this moment.
    with TemporaryDirectory(prefix=f'.{stem}.', dir=out.parent) as folder:
        plain = Path(folder) / 'unnamed.pth'
        save_checkpoint_atomic({'meta': checkpoint['meta'], 'state_dict': checkpoint['state_dict']}, plain)
        final = out.with_name(f'{stem}-{file_sha256(plain)[:8]}.pth')
        plain.rename(final)
    return final


def main():
    """Read, strip, write and name."""
    parser = ToolParser(
        description='Drop optimizer, schedulers, logs and raw EMA weights of a checkpoint and add 8 digits of its '
        'SHA-256 to its name.'
    )
    parser.add_argument('in_file', help='checkpoint')
    parser.add_argument('out_file', help='name to write to, without the digits')
    args = parser.parse_args()
    print(publish(args.in_file, args.out_file))


if __name__ == '__main__':
    raise SystemExit(run_tool(main))
