"""How gunicorn runs the API: few processes, a few threads each, so that a long download blocks nobody.

gunicorn -c python:services.api.gunicorn_conf 'services.api.app:create_app()'
"""

import gc
import sys
from typing import Any

from services.api.settings import find_problems
from shared.config import Settings, load_settings
from shared.errors import ConfigError


def _read_settings() -> Settings:
    """Load the settings; end with one line for each mistake, before workers fail over it one after the other."""
    try:
        settings = load_settings()
        problems = tuple(find_problems(settings))
    except ConfigError as exc:
        problems = exc.problems
    if problems:
        print("\n".join(f"configuration: {problem}" for problem in problems), file=sys.stderr)
        sys.exit(2)
    return settings


_settings = _read_settings()
bind = f"{_settings.api_host}:{_settings.api_port}"
workers = _settings.api_workers
worker_class = "gthread"
threads = 4
timeout = 60
graceful_timeout = 25
keepalive = 5
# A worker's end is a second of work and the loss of what it knows: often enough against memory that only grows.
max_requests = 500_000
max_requests_jitter = 50_000
limit_request_line = 8190
worker_tmp_dir = "/dev/shm" if sys.platform == "linux" else "/tmp"  # noqa: S108 - no waiting for a disk
accesslog = None  # the app writes its own line a request, with id and actor
control_socket_disable = True


def post_worker_init(_worker: Any) -> None:
    """Keep garbage collections short, and full ones rare.

    With Python's own settings a full one came every two thousand VINs and held all threads of the worker up for 60 to
    140 ms. What the application is made of is never garbage; most of what a request makes goes without a collection.
    A collection of the young takes as long as what a decoder has just read is large: many small ones disturb less.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(1_000, 5, 400)
