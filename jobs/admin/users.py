"""Accounts."""

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group, User
from django.utils.translation import gettext as _
from unfold.admin import ModelAdmin
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

from jobs.admin.base import Deletion
from jobs.library import retention
from jobs.models import Owner

admin.site.unregister(User)
admin.site.unregister(Group)


@admin.register(User)
class UserAdmin(Deletion, DjangoUserAdmin, ModelAdmin):  # type: ignore[type-arg,misc]
    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm
    list_display = ("username", "email", "is_staff", "is_active", "last_login")
    list_filter = ("is_staff", "is_active")
    list_disable_select_all = True
    list_per_page = 50

    def remove(self, obj: User) -> None:
        retention.delete_account(obj)

    def goes_along(self, obj: User) -> dict[str, int]:
        owner = Owner.objects.filter(user=obj).first()
        return {_("jobs"): owner.jobs.count(), _("photos"): owner.assets.count()} if owner else {}
