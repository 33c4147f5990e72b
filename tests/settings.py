"""Django's settings for the tests: all that they make lies in one temporary folder, gone when they end."""

import os
import tempfile
from pathlib import Path

# Short, since the path of Redis's socket may not exceed 108 bytes.
TEST_HOME = Path(tempfile.mkdtemp(prefix="latent-", dir=None if len(tempfile.gettempdir()) < 60 else "/tmp"))

os.environ["LATENT_HOME"] = str(TEST_HOME)
os.environ["REDIS_URL"] = f"unix://{TEST_HOME / 'redis.sock'}"

from webapp.settings import *  # noqa: E402, F403
from webapp.settings import DATABASES, STORAGES  # noqa: E402

if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    # A file, not memory: workers of their own share it.
    DATABASES["default"]["TEST"] = {"NAME": str(TEST_HOME / "tests.sqlite3")}

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
STORAGES["staticfiles"] = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
