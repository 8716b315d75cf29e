"""A worker process and the process that started it."""

import os
import threading


def end_with_parent() -> None:
    """Let this process, started through multiprocessing, end as soon as its parent has ended, however that ended.

    A parent that was killed cannot end its workers: they would wait for work for ever. To be called by the worker.
    """
    threading.Thread(target=_wait, daemon=True).start()


def _wait() -> None:
    from multiprocessing import connection, parent_process

    parent = parent_process()
    if parent is not None:
        connection.wait([parent.sentinel])
        os._exit(1)
