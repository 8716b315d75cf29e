"""What the history of parks takes on disk, and what it will take."""

from services.maintenance.parks import storage
from services.maintenance.parks.params import read_section
from shared.errors import ConfigError
from shared.jobs import Counts, Run, job


@job("parks_storage", stale_after="50h")
def watch_storage(run: Run) -> Counts:
    """Measure all tables today, fit growth, forecast, check earlier forecasts, raise or close incidents.

    Measuring again on one day replaces the day's figures, whatever the logical date. Counts: tables measured, scopes
    written, incidents.

    Raises:
        ConfigError: the section `storage` is wrong.
    """
    section, problems = read_section(run.params.get("storage"))
    if section is None:
        raise ConfigError(*(f"storage: {text}" for text in problems))
    with run.stage("measure"):
        measured, growth = storage.measure(run.conn, section)
    for line in storage.describe(growth):
        run.log.info("%s", line)
    wrong = storage.tell(run, storage.judge(growth, section))
    return Counts(read=measured, written=len(growth), rejected=wrong)
