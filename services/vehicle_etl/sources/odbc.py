"""A connection through ODBC: how it is opened, what it is called in messages, and what its errors mean."""

import re
from typing import Any

from shared.errors import ConfigError, CronhouseError, FatalError, TransientError

CONNECT_SECONDS = 15


def pyodbc() -> Any:
    """Import pyodbc, which needs libraries of the system.

    Raises:
        ConfigError: it or they are not installed; names the packages.
    """
    try:
        import pyodbc as module
    except ModuleNotFoundError as exc:
        raise ConfigError("the source mssql needs the Python package pyodbc: pip install pyodbc") from exc
    except ImportError as exc:
        raise ConfigError(
            f"the source mssql needs unixODBC ({exc}): apt-get install libodbc2 tdsodbc (Debian), or "
            "Microsoft's msodbcsql18 in place of tdsodbc"
        ) from exc
    return module


def connect(connection: str, password: str | None, label: str) -> Any:
    """Connect for reading.

    Raises:
        ConfigError: a driver is missing, the login is refused, or there are two passwords.
        TransientError: the server cannot be reached now.
    """
    module = pyodbc()
    if password is not None:
        if "pwd" in read_parts(connection):
            raise ConfigError("MSSQL_SOURCE_CONNECTION holds a password and MSSQL_SOURCE_PASSWORD is set too")
        connection = f"{connection.rstrip(';')};PWD={{{password.replace('}', '}}')}}}"
    try:
        return module.connect(connection, timeout=CONNECT_SECONDS, readonly=True)
    except module.Error as exc:
        raise map_error(exc, label, is_connecting=True) from exc


def read_parts(connection: str) -> dict[str, str]:
    """Split an ODBC connection string; names in lower case."""
    found = re.findall(r"\s*([^=;]+?)\s*=\s*(\{(?:[^}]|\}\})*\}|[^;]*)", connection)
    return {name.lower(): value.strip().strip("{}") for name, value in found}


def label_of(connection: str) -> str:
    """Return server and database of a connection string, without user and password."""
    parts = read_parts(connection)
    server = parts.get("server") or parts.get("servername") or parts.get("dsn") or "?"
    port = f":{parts['port']}" if parts.get("port") else ""
    return f"SQL Server {server}{port}/{parts.get('database', '')}"


def map_error(exc: Exception, where: str, is_connecting: bool = False) -> CronhouseError:
    """Say what an error of the driver means, by its SQLSTATE.

    States: https://learn.microsoft.com/en-us/sql/odbc/reference/appendixes/appendix-a-odbc-error-codes
    """
    state = str(exc.args[0]) if exc.args else ""
    text = " ".join(str(exc.args[1] if len(exc.args) > 1 else exc).split())
    text = re.sub(r"(?i)(pwd|password)=[^;]*", r"\1=...", text)[:300]
    if state in ("IM002", "IM003", "IM004") or "Can't open lib" in text:
        return ConfigError(
            f"{where}: the ODBC driver that MSSQL_SOURCE_CONNECTION names is not installed ({text}): "
            "apt-get install tdsodbc for FreeTDS, msodbcsql18 for Microsoft's; `odbcinst -q -d` lists what there is"
        )
    if state == "28000" or "Login failed" in text or "authentication failed" in text:
        return ConfigError(
            f"{where}: refused the login: check UID in MSSQL_SOURCE_CONNECTION and MSSQL_SOURCE_PASSWORD ({text})"
        )
    if is_connecting:
        return TransientError(f"{where}: cannot be reached ({text})")
    lost = ("08", "HYT", "40001", "57P")
    if state.startswith(lost) or re.search(
        r"(?i)connection|server closed|socket|not connected|reset|broken", text
    ):
        return TransientError(f"{where}: the connection was cut ({text})")
    return FatalError(f"{where}: {text}")
