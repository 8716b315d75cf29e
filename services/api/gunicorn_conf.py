"""How gunicorn runs the API: few processes, a few threads each, so that a long download blocks nobody.

gunicorn -c python:services.api.gunicorn_conf 'services.api.app:create_app()'
"""

from shared.config import load_settings

_settings = load_settings()
bind = f"{_settings.api_host}:{_settings.api_port}"
workers = _settings.api_workers
worker_class = "gthread"
threads = 4
timeout = 60
graceful_timeout = 25
keepalive = 5
max_requests = 10_000
max_requests_jitter = 1_000
limit_request_line = 8190
worker_tmp_dir = "/dev/shm"  # noqa: S108 - heartbeats must not wait for a disk
accesslog = None  # the app writes its own line a request, with id and actor
control_socket_disable = True
