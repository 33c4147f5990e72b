"""Before photos and outputs become one table: nobody of an older version is at work, and a copy lies beside the database."""

import json
import time
from pathlib import Path

import redis
from django.conf import settings
from django.core.management.base import CommandError
from django.db import migrations
from django.db.models.functions import Now

WORKERS = "latent:workers"
SAYS_SO_EVERY_SECONDS = 15


def refuse_while_a_worker_lives(apps, schema_editor):
    jobs = apps.get_model("jobs", "Job").objects
    running = jobs.filter(status="running", lease_expires_at__gt=Now()).count()
    if running or (jobs.exists() and _workers()):
        raise CommandError(
            "A worker of the older version is still at work. Stop the workers, wait half a minute, and migrate again."
        )


def _workers():
    try:
        said = redis.Redis.from_url(settings.REDIS_URL, socket_timeout=1).hvals(WORKERS)
    except (redis.RedisError, ValueError):  # Redis carries hints only
        return []
    limit = time.time() - SAYS_SO_EVERY_SECONDS
    return [name for name in map(json.loads, said) if name["seen_at"] > limit]


def keep_a_copy(apps, schema_editor):
    if not apps.get_model("jobs", "Job").objects.exists():
        return
    connection = schema_editor.connection
    if connection.vendor != "sqlite":
        print("\n  What `pg_dump` made before this is the way back: photos and outputs become one table now.")
        return
    database = Path(connection.settings_dict["NAME"])
    copy = database.with_name(f"{database.stem}-before-assets{database.suffix}")
    copy.unlink(missing_ok=True)
    with connection.cursor() as cursor:
        cursor.execute("VACUUM INTO %s", [str(copy)])
    copy.chmod(0o600)
    print(f"\n  The database as it was is kept as {copy}; delete it once all is well.")


class Migration(migrations.Migration):

    atomic = False  # SQLite copies no database within a transaction

    dependencies = [
        ('jobs', '0007_fair_share'),
    ]

    operations = [
        migrations.RunPython(refuse_while_a_worker_lives, migrations.RunPython.noop),
        migrations.RunPython(keep_a_copy, migrations.RunPython.noop),
    ]
