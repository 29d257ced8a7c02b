"""What every command of ``tools/`` shares: one message for an error that was foreseen, and its exit code."""

from .errors import foreseen_message, run_tool
from .parser import ToolParser, output_file, positive_int, positive_number

__all__ = ['ToolParser', 'foreseen_message', 'output_file', 'positive_int', 'positive_number', 'run_tool']
