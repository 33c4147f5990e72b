"""The nginx of deploy/nginx.conf.template, as its image would start it."""

import os
import re
import shutil
import subprocess
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from tests.support import wait_for
from webapp.config import BASE_DIR
from webapp.supervisor.processes import end_with

TEMPLATE = BASE_DIR / "deploy" / "nginx.conf.template"
MISSING = "There is no nginx on this machine: apt install nginx-light."
AROUND = """
{user}
daemon off;
pid {folder}/pid;
error_log {folder}/error.log;
events {{}}
http {{
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/unused;
    scgi_temp_path {folder}/unused;
    uwsgi_temp_path {folder}/unused;
    upstream webs {{ {webs} }}
    include {folder}/site.conf;
}}
"""


def found() -> str | None:
    return shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin")


class Front:
    """A running nginx before web servers on ports of this machine."""

    def __init__(self, folder: Path, port: int, webs: Sequence[int], environment: dict[str, str]) -> None:
        nginx = found()
        assert nginx, MISSING
        folder.mkdir()
        values = {**environment, "WEB": "webs", "RESOLVER": "127.0.0.1"}
        site = re.sub(r"\$\{(\w+)\}", lambda name: values[name[1]], TEMPLATE.read_text())
        (folder / "site.conf").write_text(site.replace("listen 8080;", f"listen 127.0.0.1:{port};"))
        # A name that Docker resolves has no memory of failures either.
        servers = " ".join(f"server 127.0.0.1:{web} max_fails=0;" for web in webs)
        user = "user root;" if os.getuid() == 0 else ""
        (folder / "nginx.conf").write_text(AROUND.format(folder=folder, webs=servers, user=user))
        self.log = folder / "error.log"
        self.process = subprocess.Popen(
            [nginx, "-c", str(folder / "nginx.conf"), "-p", str(folder)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            preexec_fn=partial(end_with, os.getpid()),
        )
        wait_for(lambda: self.process.poll() is not None or (folder / "pid").exists())
        assert self.process.poll() is None, self.log.read_text()

    def end(self) -> None:
        self.process.terminate()
        self.process.wait(10)
