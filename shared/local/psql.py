"""`python -m shared.local.psql`: the embedded server's own psql on the embedded warehouse."""

import os
import sys

from shared.config import load_settings
from shared.db import database_url
from shared.local.postgres import EmbeddedPostgres

if __name__ == "__main__":
    settings = load_settings()
    psql = EmbeddedPostgres(settings.local_dir).binary("psql")
    os.execv(psql, [psql, database_url(settings), *sys.argv[1:]])  # noqa: S606
