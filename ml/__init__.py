"""Images in, images out: what deep learning (and what came before it) can do with a photo.

This package knows no web site: it never imports Django, Celery, Redis or `jobs`.
"""

import os

os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")  # without it, onnxruntime tells its maker of every use
