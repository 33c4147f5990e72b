"""Signing up, logging in and out, and what a member can change."""

from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth import get_user_model, login, logout, update_session_auth_hash
from django.contrib.auth.decorators import login_required
from django.contrib.auth.forms import AuthenticationForm, PasswordChangeForm, UserCreationForm
from django.contrib.auth.views import LoginView, LogoutView
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST, require_safe

from jobs.access import guessing, identity
from jobs.intake import limits
from jobs.library import retention
from jobs.library.export import everything_of
from jobs.models import ApiToken, Owner
from jobs.notify import mail
from jobs.web.downloads import as_zip
from ml.core.text import excerpt

MOST_TOKENS = 20


class SignUpForm(UserCreationForm):  # type: ignore[type-arg]
    class Meta(UserCreationForm.Meta):
        model = get_user_model()
        fields = ("username",)


class DeleteForm(forms.Form):
    """Their password, so that it is they who ask."""

    password = forms.CharField(
        label=gettext_lazy("Your password"),
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
        strip=False,
    )

    def __init__(self, request: HttpRequest, *args: Any) -> None:
        super().__init__(*args)
        self._request = request
        self._user: Any = request.user

    def clean_password(self) -> str:
        password = self.cleaned_data["password"]
        if not guessing.is_password_of(self._request, self._user, password):
            raise forms.ValidationError(_("This is not your password."))
        return str(password)


class NewPasswordForm(PasswordChangeForm):
    """Whoever changes a password that somebody else may know has no use for that person's tokens either."""

    revoke_tokens = forms.BooleanField(
        label=gettext_lazy("Revoke my API tokens too"),
        help_text=gettext_lazy("Programs that use them are turned away from then on."),
        required=False,
        initial=True,
    )

    def __init__(self, request: HttpRequest, *args: Any) -> None:
        super().__init__(request.user, *args)  # type: ignore[arg-type]
        self._request = request
        if not ApiToken.objects.filter(user=self.user).exists():
            del self.fields["revoke_tokens"]

    def clean_old_password(self) -> str:
        given = self.cleaned_data["old_password"]
        if not guessing.is_password_of(self._request, self.user, given):
            raise forms.ValidationError(_("This is not your password."))
        return str(given)

    def save(self, commit: bool = True) -> Any:
        if self.cleaned_data.get("revoke_tokens"):
            ApiToken.objects.filter(user=self.user).delete()
        return super().save(commit)


class LogIn(LoginView):
    template_name = "account/login.html"
    redirect_authenticated_user = True
    authentication_form = AuthenticationForm


class LogOut(LogoutView):
    next_page = "home"


def sign_up(request: HttpRequest) -> HttpResponse:
    if request.user.is_authenticated:
        return redirect("library")
    form = SignUpForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        user = _new_member(request, form)
        login(request, user, backend="django.contrib.auth.backends.ModelBackend")
        messages.success(request, _("Welcome. What you have made so far is in your library."))
        return redirect("library")
    return render(request, "account/signup.html", {"form": form}, status=422 if form.is_bound else 200)


def _new_member(request: HttpRequest, form: SignUpForm) -> Any:
    address = identity.address_digest(request)
    limits.check_sign_up(address)
    with transaction.atomic():
        user = form.save()
        Owner.objects.create(user=user, address=address)
    return user


class FactsForm(forms.ModelForm):  # type: ignore[type-arg]
    """What is kept of where photos were taken, and what downloads say of them."""

    class Meta:
        model = Owner
        fields = ("carried", "keeps_place")


@login_required
def settings(request: HttpRequest) -> HttpResponse:
    return render(request, "account/settings.html", {"sends_mail": mail.is_sent()})


@login_required
def facts(request: HttpRequest) -> HttpResponse:
    form = FactsForm(request.POST or None, instance=identity.owner_of_user(request.user))  # type: ignore[arg-type]
    if request.method == "POST" and form.is_valid():
        form.save()
        messages.success(request, _("Kept."))
        return redirect("account")
    return render(request, "account/facts.html", {"form": form}, status=422 if form.is_bound else 200)


@login_required
def password(request: HttpRequest) -> HttpResponse:
    form = NewPasswordForm(request, request.POST or None)
    if request.method == "POST" and form.is_valid():
        update_session_auth_hash(request, form.save())
        messages.success(request, _("Your password is changed."))
        return redirect("account")
    return render(request, "account/password.html", {"form": form}, status=422 if form.is_bound else 200)


@login_required
def delete(request: HttpRequest) -> HttpResponse:
    form = DeleteForm(request, request.POST or None)
    if request.method == "POST" and form.is_valid():
        user = request.user
        logout(request)
        retention.delete_account(user)  # type: ignore[arg-type]
        messages.success(request, _("Your account is gone, and everything you had here with it."))
        return redirect("home")
    return render(request, "account/delete.html", {"form": form}, status=422 if form.is_bound else 200)


@login_required
@require_safe
def export(request: HttpRequest) -> HttpResponseBase:
    """Everything a member has here, as a ZIP."""
    archive = everything_of(identity.owner_of_user(request.user))  # type: ignore[arg-type]
    return as_zip(archive, "latent")


@login_required
def tokens(request: HttpRequest) -> HttpResponse:
    """The tokens of a member. A new one is shown in the answer to the form that made it, and never again."""
    secret = ""
    mine = ApiToken.objects.filter(user=request.user).order_by("-id")  # type: ignore[misc]
    if request.method == "POST":
        if mine.count() >= MOST_TOKENS:
            messages.error(request, _("You have {count} tokens. Revoke one first.").format(count=MOST_TOKENS))
        else:
            secret = ApiToken.issue(request.user, excerpt(request.POST.get("name", ""), 80))
    response = render(request, "account/tokens.html", {"tokens": mine, "secret": secret})
    response["Cache-Control"] = "private, no-store"
    return response


@login_required
@require_POST
def revoke_token(request: HttpRequest, token_id: int) -> HttpResponse:
    ApiToken.objects.filter(user=request.user, pk=token_id).delete()  # type: ignore[misc]
    messages.success(request, _("Revoked. Programs that use it are turned away from now on."))
    return redirect("tokens")
