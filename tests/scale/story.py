"""What must hold where the site is spread over many machines, told in the order in which it is tried."""

import io
import json
import subprocess
import sys
import threading
import time
import zipfile
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import psycopg
from PIL import Image

from tests.scale.browser import Browser
from tests.scale.machines import HERE
from tests.scale.site import ADMIN, ADMIN_PASSWORD, Site
from tests.support import wait_for

JOB_SECONDS = 90
FAR, GPU, NEW = "far-cpu", "near-gpu", "new-cpu"
CONNECT = "import socket, sys; socket.create_connection((sys.argv[1], int(sys.argv[2])), timeout=2)"


@dataclass
class Story:
    site: Site
    told: list[tuple[str, str]] = field(default_factory=list)

    def run(self) -> None:
        """Every chapter, in order; raises AssertionError at the first that does not hold."""
        for chapter in (
            self.the_database_is_made_and_has_its_first_admin,
            self.web_servers_need_no_torch,
            self.a_worker_apart_reaches_three_services_and_nothing_else,
            self.each_queue_is_served_by_its_worker,
            self.both_web_servers_show_the_same,
            self.pictures_come_from_their_own_host,
            self.a_revoked_link_is_dead,
            self.an_account_takes_everything_along,
            self.a_deleted_job_leaves_nothing_in_the_bucket,
            self.a_worker_told_to_go_hands_its_job_on,
            self.web_servers_change_while_pages_poll,
            self.no_disk_is_shared,
            self.all_end_in_time,
        ):
            began = time.monotonic()
            seen = chapter()
            title = f"{chapter.__name__.replace('_', ' ').capitalize()}:"
            self.told.append((title, seen))
            print(f"{time.monotonic() - began:5.1f} s  {title} {seen}", flush=True)

    # Start ----------------------------------------------------------------------------------------------------

    def the_database_is_made_and_has_its_first_admin(self) -> str:
        self.site.start_stores()
        assert f"Made the first admin, {ADMIN}." in self.site.run("migrate", "migrate")
        self.site.build()
        return "by the command of the service migrate"

    def web_servers_need_no_torch(self) -> str:
        python = self.site.web_programs / "python"
        tried = subprocess.run([python, "-c", "import torch"], capture_output=True, text=True)
        assert "ModuleNotFoundError" in tried.stderr, tried.stderr
        for name in ("web-1", "web-2"):
            self.site.start_web(name)
        self.site.start_clock()
        self.site.start_front()
        self.token = self.site.run("token", "web", ["python", "manage.py", "create_token", ADMIN]).split()[-1]
        self.front = Browser(self.site.ports["front"], self.token)
        self.webs = [Browser(self.site.ports[name], self.token) for name in ("web-1", "web-2")]
        for browser in (self.front, *self.webs):
            assert browser.ask("/").status == 200
        return "two of them and the clock run in an environment without it, behind nginx"

    def a_worker_apart_reaches_three_services_and_nothing_else(self) -> str:
        self.site.start_worker(FAR, "worker-cpu", far=True)
        self.site.start_worker(GPU, "worker-gpu")
        for name in ("postgres", "redis", "s3"):
            assert self._far_reaches(HERE, self.site.ports[name]) == "", name
        here = [HERE, "127.0.0.1", *_addresses_of_this_machine()]
        closed = [(host, self.site.ports[name]) for host in here for name in ("web-1", "web-2", "front")]
        for host, port in closed:
            assert self._far_reaches(host, port).endswith(("refused", "unreachable", "out")), (host, port)
        return f"PostgreSQL, Redis and S3 answer it, {len(closed)} addresses of web servers and front do not"

    def _far_reaches(self, host: str, port: int) -> str:
        """The error of a connection from the machine apart, empty where it succeeds."""
        command = [sys.executable, "-c", CONNECT, host, str(port)]
        tried = subprocess.run(
            ["ip", "netns", "exec", self.site.apart.name, *command], capture_output=True, text=True
        )
        return tried.stderr.strip().rpartition("\n")[2]

    # A photo's way ----------------------------------------------------------------------------------------------

    def each_queue_is_served_by_its_worker(self) -> str:
        self.photo = self.front.send(_picture())
        turned = self.front.submit(
            "transform", {"action": "rotate", "angle": 90}, {"image": self.photo["id"]}
        )
        cleaned = self.front.submit("denoise", {"method": "median"}, {"image": self.photo["id"]})
        self.jobs = [self._done(turned), self._done(cleaned)]
        assert self._worker_of(turned) == f"worker@{FAR}"
        assert self._worker_of(cleaned) == f"worker@{GPU}"
        return f"transform by {FAR}, denoise by {GPU}"

    def both_web_servers_show_the_same(self) -> str:
        for job in self.jobs:
            output = job["outputs"][0]
            bodies = set()
            for web in self.webs:
                assert web.job(job["id"])["outputs"][0]["sha256"] == output["sha256"]
                seen = web.fetch(output["url"])
                assert seen.status == 200, seen.body
                bodies.add(seen.body)
            assert len(bodies) == 1
            assert len(bodies.pop()) == output["bytes"]
        return "two results, each the same through both"

    def pictures_come_from_their_own_host(self) -> str:
        url = self.jobs[0]["outputs"][0]["url"]
        nobody = Browser(self.site.ports["front"])
        assert url.startswith(f"{self.site.variables['MEDIA_HOST']}/")
        whole = nobody.fetch(url)
        assert (whole.status, whole.headers["content-type"]) == (200, "image/png")
        assert whole.headers["cache-control"].startswith("private")
        part = nobody.fetch(url, Range="bytes=8-15")
        assert (part.status, part.body) == (206, whole.body[8:16])
        small = nobody.fetch(url.replace("?", "?size=256&"))
        assert Image.open(io.BytesIO(small.body)).format == "WEBP"
        assert nobody.fetch(url.partition("?")[0]).status == 404
        assert nobody.fetch(url[:-2] + "xx").status == 404
        assert nobody.ask(url.removeprefix(self.site.variables["MEDIA_HOST"])).status == 404
        led = self.front.ask(f"/files/outputs/{self.jobs[0]['outputs'][0]['id']}")
        assert led.headers["location"].startswith(self.site.variables["MEDIA_HOST"])
        return "signed: whole, a range, a thumbnail; unsigned, spoilt or on the site: 404"

    def a_revoked_link_is_dead(self) -> str:
        path = f"/api/v1/jobs/{self.jobs[0]['id']}/share"
        link = self.front.ask(path, b"{}", Content_Type="application/json").json["url"]
        bob = Browser(self.site.ports["front"])
        page = bob.fetch(link)
        assert page.status == 200
        output = self.jobs[0]["outputs"][0]["id"]
        token = link.rpartition("/")[2]
        picture = bob.ask(f"/s/{token}/outputs/{output}").headers["location"]
        seen = bob.fetch(picture)
        assert (seen.status, seen.headers["cache-control"]) == (200, "private, no-cache")
        assert self.front.ask(path, method="DELETE").status == 204
        assert bob.fetch(picture, If_None_Match=seen.headers["etag"]).status == 404
        assert bob.fetch(link).status == 404
        return "page and signed picture, at once"

    def an_account_takes_everything_along(self) -> str:
        ada = Browser(self.site.ports["front"])
        ada.log_in(ADMIN, ADMIN_PASSWORD)
        assert ada.ask("/admin/").status == 200
        exported = ada.ask("/account/export")
        with zipfile.ZipFile(io.BytesIO(exported.body)) as archive:
            assert archive.testzip() is None
            told = json.loads(archive.read("latent.json"))
            assert {job["id"] for job in told["jobs"]} == {job["id"] for job in self.jobs}
            count = len(archive.namelist())
        return f"a ZIP of {count} files, streamed from the bucket to the first admin, who logged in"

    def a_deleted_job_leaves_nothing_in_the_bucket(self) -> str:
        before = self.site.objects()
        for job in self.jobs:
            assert self.front.ask(f"/api/v1/jobs/{job['id']}", method="DELETE").status == 204
        left = self.site.objects()
        assert {name.partition("/")[0] for name in left} == {"photos"}, left
        assert len(left) == 1
        return f"{len(before)} objects, then {len(left)}, the photo, which is still wanted"

    # Rolling restart --------------------------------------------------------------------------------------------

    def a_worker_told_to_go_hands_its_job_on(self) -> str:
        self.site.start_worker(NEW, "worker-cpu")
        nap = self.front.submit("nap", {"seconds": 4}, {})
        wait_for(lambda: self.front.job(nap)["status"] == "running", JOB_SECONDS)
        first = self._worker_of(nap)
        gone = self.site.processes[first.partition("@")[2]]
        seconds = gone.end()
        done = self._done(nap)
        second = self._worker_of(nap)
        assert {first, second} == {f"worker@{FAR}", f"worker@{NEW}"}
        assert done["attempt"] == 2
        return f"{first} ended in {seconds:.1f} s in mid-job, {second} finished it"

    def web_servers_change_while_pages_poll(self) -> str:
        nap = self.front.submit("nap", {"seconds": 0.5}, {})
        self._done(nap)
        statuses: list[int] = []
        over = threading.Event()

        def poll() -> None:
            while not over.is_set():
                statuses.append(self.front.ask(f"/api/v1/jobs/{nap}").status)

        polls = [threading.Thread(target=poll) for _ in range(2)]
        for thread in polls:
            thread.start()
        try:
            for name in ("web-1", "web-2"):
                self.site.processes[name].end()
                self.site.start_web(name)
        finally:
            over.set()
            for thread in polls:
                thread.join()
        assert set(statuses) == {200}, Counter(statuses)
        return f"{len(statuses)} polls, all 200"

    # End ------------------------------------------------------------------------------------------------------------

    def no_disk_is_shared(self) -> str:
        for name in ("web-1", "web-2", GPU, NEW, "clock"):
            home = self.site.folder / name
            files = [path.relative_to(home) for path in home.rglob("*") if path.is_file()]
            kept = [path for path in files if path.parts[0] not in ("static", ".cache", "clock")]
            assert kept == [], (name, kept)
        assert not (self.site.folder / FAR).exists()
        return "no picture, no key and no scratch file lies in the folder of any of them"

    def all_end_in_time(self) -> str:
        names = ("web-1", "web-2", GPU, NEW, FAR, "clock")
        times = {name: self.site.processes[name].end() for name in names}
        slowest = max(times, key=lambda name: times[name])
        return f"{slowest} last, in {times[slowest]:.1f} s"

    # What is asked again and again ------------------------------------------------------------------------------

    def _done(self, job_id: str) -> Any:
        """A job that has succeeded."""
        job = wait_for(_finished(lambda: self.front.job(job_id)), JOB_SECONDS)
        assert job["status"] == "succeeded", job["error"]
        return job

    def _worker_of(self, job_id: str) -> str:
        with psycopg.connect(self.site.database_url()) as database:
            row = database.execute("SELECT worker FROM jobs_job WHERE uuid = %s", [job_id]).fetchone()
        assert row
        return str(row[0])


def _finished(ask: Callable[[], Any]) -> Callable[[], Any]:
    def look() -> Any:
        job = ask()
        return job if job["status"] in ("succeeded", "failed", "cancelled") else None

    return look


def _picture() -> bytes:
    buffer = io.BytesIO()
    Image.effect_noise((640, 480), 60).convert("RGB").save(buffer, "PNG")
    return buffer.getvalue()


def _addresses_of_this_machine() -> list[str]:
    said = json.loads(subprocess.run(["ip", "-json", "-4", "address"], capture_output=True).stdout)
    found = [inner["local"] for link in said for inner in link["addr_info"]]
    return [address for address in found if address not in (HERE, "127.0.0.1")]
