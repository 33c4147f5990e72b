"""What a job is compared with: a bare Celery task with late acks, that says when it is done."""

import os

import redis
from celery import Celery

URL = os.environ["REDIS_URL"]

app = Celery("bare", broker=URL.replace("unix://", "redis+socket://", 1))
app.conf.update(
    task_ignore_result=True, task_acks_late=True, worker_prefetch_multiplier=1, task_default_queue="bare"
)
client = redis.Redis.from_url(URL)


@app.task
def nothing(key: str) -> None:
    client.set(key, 1, ex=60)
