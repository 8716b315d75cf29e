"""`make demo` as a newcomer calls it: summary, then the API, until Ctrl-C."""

import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from typing import Any

from shared.config import ROOT


def test_it_serves_after_its_summary_alone_in_its_folder_until_ctrl_c_and_goes_on_from_there(tmp_path):
    names = ("DATABASE_URL", "OBJECT_STORE_URL", "REDIS_URL")
    environ = {name: value for name, value in os.environ.items() if name not in names}
    environ |= {"CRONHOUSE_LOCAL_DIR": str(tmp_path / "local"), "API_PORT": "18640", "PYTHONUNBUFFERED": "1"}
    command = [sys.executable, "-m", "shared.cli", "demo"]
    demo = subprocess.Popen(
        command, cwd=ROOT, env=environ, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    try:
        said = ""
        while "Ctrl-C stops" not in said:
            line = demo.stdout.readline()
            assert line, said
            said += line
        assert "Was anything lost on the way?" in said
        assert re.search(r"✓ vehicles, release 2026_08 of vPIC \(", said)
        assert re.search(r"^1HGCM82633A004352 +2003 +HONDA +Accord +-$", said, re.MULTILINE)
        assert re.search(r"^1FTFW1ET5DFC10312 +2013 +FORD +F-150 +1 - Check Digit", said, re.MULTILINE)
        assert len(re.findall(r"^[A-Z0-9]{9,17} +(?:\d{4}|-) ", said, re.MULTILINE)) == 10
        assert "✓ parks, three months of archive and 24 polls: 79,097 events imported (" in said
        assert re.search(r"^archive +92 +79,097 +79,097 +0 +0 +yes$", said, re.MULTILINE)
        address = re.search(r"console +(http://\S+)/", said).group(1)
        assert _answers(f"{address}/health") == 200
        assert _json(f"{address}/api/vehicles/vin/1HGCM82633A004352")["data"]["is_valid"] is True
        models = _json(f"{address}/api/vehicles/dropdown/models?year=2003&make=Honda")
        assert "Accord" in {model["Model_Name"] for model in models["Results"]}
        assert "Accord" in _read(f"{address}/vehicles?vin=1HGCM82633A004352").decode()
        assert "Magic Kingdom Park" in _read(f"{address}/parks").decode()
        assert _json(f"{address}/api/parks")["data"]
        second = subprocess.run([*command, "--once"], cwd=ROOT, env=environ, capture_output=True, text=True)
        assert second.returncode == 1 and "a demonstration is under way" in second.stderr
        assert _answers(f"{address}/health") == 200
        demo.send_signal(signal.SIGINT)
        demo.communicate(timeout=60)
        again = subprocess.run([*command, "--once"], cwd=ROOT, env=environ, capture_output=True, text=True)
        assert again.returncode == 0, again.stderr
        assert "release 2026_08 of vPIC, which was live already" in again.stdout
        assert ": 0 runs, " in again.stdout and "79,097 events, imported already" in again.stdout
    finally:
        if demo.poll() is None:
            demo.send_signal(signal.SIGINT)
            demo.communicate(timeout=60)
        reset = [sys.executable, "-m", "shared.cli", "local", "reset"]
        subprocess.run(reset, cwd=ROOT, env=environ, check=True, capture_output=True)
    assert demo.returncode == 0


def _json(url: str) -> Any:
    return json.loads(_read(url))


def _read(url: str) -> bytes:
    with urllib.request.urlopen(url, timeout=30) as answer:
        return answer.read()


def _answers(url: str) -> int:
    for _ in range(100):
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:
                return answer.status
        except OSError:
            time.sleep(0.1)
    return 0
