from django.apps import AppConfig


class WebappConfig(AppConfig):
    name = "webapp"

    def ready(self) -> None:
        from webapp import celery  # noqa: F401 (the app by which `jobs` sends and takes messages)
