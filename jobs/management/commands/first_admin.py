"""The first admin of a site that nobody sits in front of."""

import os
from typing import Any

from django.contrib.auth.models import User
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError


class Command(BaseCommand):
    help = "Make the admin of DJANGO_SUPERUSER_USERNAME and DJANGO_SUPERUSER_PASSWORD, unless there is one."

    def handle(self, *args: Any, **options: Any) -> None:
        if User.objects.filter(is_superuser=True).exists():
            return
        name, password = (os.environ.get(f"DJANGO_SUPERUSER_{key}") for key in ("USERNAME", "PASSWORD"))
        if not name or not password:
            self.stdout.write(
                "There is no admin yet: set DJANGO_SUPERUSER_USERNAME and DJANGO_SUPERUSER_PASSWORD, "
                "or run manage.py createsuperuser."
            )
            return
        if User.objects.filter(username=name).exists():
            raise CommandError(f"{name} is a member already. Give the admin another name.")
        try:
            validate_password(password)
        except ValidationError as error:
            raise CommandError(f"DJANGO_SUPERUSER_PASSWORD: {' '.join(error.messages)}") from None
        User.objects.create_superuser(name, os.environ.get("DJANGO_SUPERUSER_EMAIL", ""), password)
        self.stdout.write(f"Made the first admin, {name}.")
