"""`make demo` as a newcomer calls it: summary, then the API, until Ctrl-C."""

import os
import re
import signal
import subprocess
import sys
import time
import urllib.request

from shared.config import ROOT


def test_it_serves_after_its_summary_alone_in_its_folder_until_ctrl_c(tmp_path):
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
        address = re.search(r"console +(http://\S+)/", said).group(1)
        assert _answers(f"{address}/health") == 200
        second = subprocess.run([*command, "--once"], cwd=ROOT, env=environ, capture_output=True, text=True)
        assert second.returncode == 1 and "a demonstration is under way" in second.stderr
        assert _answers(f"{address}/health") == 200
    finally:
        demo.send_signal(signal.SIGINT)
        demo.communicate(timeout=60)
        reset = [sys.executable, "-m", "shared.cli", "local", "reset"]
        subprocess.run(reset, cwd=ROOT, env=environ, check=True, capture_output=True)
    assert demo.returncode == 0


def _answers(url: str) -> int:
    for _ in range(100):
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:
                return answer.status
        except OSError:
            time.sleep(0.1)
    return 0
