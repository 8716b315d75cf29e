"""Print where the warehouse is, for backup.sh and restore.sh: three lines, any of which may be empty.

The folder of PostgreSQL's programs (those of the embedded server where they are installed, else the PATH
has to have them), the URL without its password, the password: that one must not stand in a command line.
"""

import sys
from pathlib import Path
from urllib.parse import unquote, urlsplit, urlunsplit

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from shared.config import load_settings
from shared.db import database_url
from shared.errors import ConfigError
from shared.local.postgres import EmbeddedPostgres


def main() -> int:
    """Print the three lines; exit 2 when the settings are wrong or the embedded server is down."""
    try:
        settings = load_settings()
        parts = urlsplit(database_url(settings))
    except ConfigError as exc:
        print(exc, file=sys.stderr)
        return 2
    try:
        programs = str(Path(EmbeddedPostgres(settings.local_dir).binary("pg_dump")).parent)
    except ConfigError:
        programs = ""
    host = parts.netloc.rpartition("@")[2]
    bare = parts._replace(netloc=f"{parts.username}@{host}" if parts.username else host)
    print(programs, urlunsplit(bare), unquote(parts.password or ""), sep="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
