"""Images in, images out: what deep learning (and what came before it) can do with a photo.

This package knows no web site: it never imports Django, Celery, Redis or `jobs`.
"""
