"""What goes to the log of a run and not to the screen."""

import logging
import traceback

from mmengine.logging import MMLogger


def log_traceback(error: BaseException) -> None:
    """Write the traceback of an error to the log files of the current run, if one has begun."""
    logger = MMLogger.get_current_instance()
    text = ''.join(traceback.format_exception(error))
    record = logger.makeRecord(logger.name, logging.ERROR, __file__, 0, text, (), None)
    for handler in logger.handlers:
        if isinstance(handler, logging.FileHandler):
            handler.emit(record)
