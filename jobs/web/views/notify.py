"""Whom a member has told that something has ended: programs by webhooks, themselves by mail."""

from collections.abc import Callable
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from jobs.access import identity, visibility
from jobs.errors import Refused
from jobs.notify import mail as by_mail
from jobs.notify import webhooks as rules

NEWEST = 100


@login_required
def webhooks(request: HttpRequest) -> HttpResponse:
    """A member's webhooks. The secret of a new one is shown in the answer to the form that made it, and never again."""
    owner = identity.owner_of_user(request.user)  # type: ignore[arg-type]
    made = refused = None
    if request.method == "POST":
        try:
            made = rules.make(owner, request.POST.get("url", "").strip())
        except Refused as error:
            refused = error
    context = {"webhooks": owner.webhooks.all(), "made": made, "refused": refused}
    response = render(request, "account/webhooks.html", context, status=refused.status if refused else 200)
    response["Cache-Control"] = "private, no-store"
    return response


@login_required
@require_safe
def webhook(request: HttpRequest, webhook_id: UUID) -> HttpResponse:
    """What it was told, and what became of that."""
    found = visibility.own_webhook(request, webhook_id)
    context = {"webhook": found, "deliveries": found.deliveries.all()[:NEWEST]}
    return render(request, "account/webhook.html", context)


@login_required
@require_POST
def test_webhook(request: HttpRequest, webhook_id: UUID) -> HttpResponse:
    found = visibility.own_webhook(request, webhook_id)
    _say(request, lambda: rules.test(found), _("A test is on its way. Reload this page in a few seconds."))
    return redirect("webhook", found.pk)


@login_required
@require_POST
def switch_webhook(request: HttpRequest, webhook_id: UUID) -> HttpResponse:
    """Let it rest, or wake it."""
    found = visibility.own_webhook(request, webhook_id)
    rules.change(found, enabled=not found.enabled)
    return redirect("webhook", found.pk)


@login_required
@require_POST
def delete_webhook(request: HttpRequest, webhook_id: UUID) -> HttpResponse:
    visibility.own_webhook(request, webhook_id).delete()
    messages.success(request, _("Deleted. Nothing more is sent there."))
    return redirect("webhooks")


@login_required
@require_POST
def send_again(request: HttpRequest, delivery_id: UUID) -> HttpResponse:
    found = visibility.own_delivery(request, delivery_id)
    said = _("It is on its way once more. Reload this page in a few seconds.")
    _say(request, lambda: rules.send_again(found), said)
    return redirect("webhook", found.webhook_id)


def _say(request: HttpRequest, act: Callable[[], object], done: str) -> None:
    """Do it, and say on the next page that it is done, or why not."""
    try:
        act()
    except Refused as error:
        messages.error(request, str(error))
    else:
        messages.success(request, done)


@login_required
def mail(request: HttpRequest) -> HttpResponse:
    """Where a member is told by mail. Without an address in the form, nowhere any more."""
    owner = identity.owner_of_user(request.user)  # type: ignore[arg-type]
    asked, refused = request.POST.get("address", "").strip(), None
    if request.method == "POST" and not asked:
        by_mail.stop(owner)
        return redirect("mail")
    if asked:
        try:
            by_mail.ask(owner, asked)
        except Refused as error:
            refused = error
    context = {"owner": owner, "sent": by_mail.is_sent(), "asked": asked, "refused": refused}
    return render(request, "account/mail.html", context, status=refused.status if refused else 200)


@login_required
def confirm_mail(request: HttpRequest) -> HttpResponse:
    """Behind the link of a mail. Opening it does nothing yet, since mail servers open links too."""
    if request.method != "POST":
        return render(request, "account/mail_confirm.html", {"key": request.GET.get("key", "")})
    by_mail.confirm(identity.owner_of_user(request.user), request.POST.get("key", ""))  # type: ignore[arg-type]
    messages.success(request, _("From now on you are told by mail when jobs have ended."))
    return redirect("mail")
