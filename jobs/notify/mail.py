"""Mail to members who want to be told, where the site has a mail server. It tells of all that ended since the last one."""

import smtplib
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core import signing
from django.core.exceptions import ValidationError
from django.core.mail import EmailMessage
from django.core.validators import validate_email
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from jobs.errors import Refused
from jobs.messages import MAIL_KEY_OVER, MAIL_REFUSED, NO_MAIL_ADDRESS, NO_MAIL_SERVER, TOO_MANY_MAILS
from jobs.models import Delivery, Job, Owner
from jobs.notify.undelivered import Undelivered
from ml.core.errors import UnknownOperation
from ml.core.text import excerpt
from ml.registry import registry

ENDED, MAKE_SURE = "mail", "mail.confirm"
QUIET = timedelta(minutes=5)
"""Between two mails to a member."""
MOST_TO_MAKE_SURE = 3
KEY_SECONDS = 86_400
SALT = "jobs.notify.mail"
MOST_LINES = 50


def is_sent() -> bool:
    """Whether this site sends mail."""
    return bool(settings.EMAIL_HOST and settings.DEFAULT_FROM_EMAIL and settings.LATENT.site_url)


def ask(owner: Owner, address: str) -> None:
    """Send a link to an address, by which whoever reads it shows that it is theirs; raises `Refused`."""
    if not is_sent():
        raise Refused(NO_MAIL_SERVER, status=409)
    try:
        validate_email(address)
    except ValidationError:
        raise Refused(NO_MAIL_ADDRESS) from None
    an_hour_ago = timezone.now() - timedelta(hours=1)
    if owner.deliveries.filter(type=MAKE_SURE, created_at__gt=an_hour_ago).count() >= MOST_TO_MAKE_SURE:
        raise Refused(TOO_MANY_MAILS(count=MOST_TO_MAKE_SURE), status=429, retry_after=3600)
    Delivery.objects.create(owner=owner, type=MAKE_SURE, payload={"address": address})


def confirm(owner: Owner, key: str) -> None:
    """Tell this member by mail from now on, as the key of a link that was sent to them says; raises `Refused`."""
    try:
        whose, address = signing.loads(key, salt=SALT, max_age=KEY_SECONDS)
    except (signing.BadSignature, ValueError):
        raise Refused(MAIL_KEY_OVER) from None
    if whose != str(owner.pk):
        raise Refused(MAIL_KEY_OVER)
    Owner.objects.filter(pk=owner.pk).update(mail=address)


def stop(owner: Owner) -> None:
    """Tell this member nothing more by mail."""
    Owner.objects.filter(pk=owner.pk).update(mail="")
    owner.deliveries.filter(webhook=None, next_try_at__isnull=False).delete()


def collect(owner: Owner, ended: Sequence[Mapping[str, Any]]) -> None:
    """Have a member told of what has ended: with the mail that waits, or with one that goes when the last is a while ago."""
    mails = owner.deliveries.filter(type=ENDED)
    waiting = mails.select_for_update().filter(tries=0, next_try_at__isnull=False).first()
    if waiting:
        waiting.payload["ended"] += ended
        waiting.save(update_fields=["payload"])
        return
    now = timezone.now()
    last = mails.first()
    Delivery.objects.create(
        owner=owner,
        type=ENDED,
        payload={"ended": [*ended]},
        next_try_at=max(now, last.created_at + QUIET) if last else now,
    )


def send(delivery: Delivery) -> None:
    """Raises `Undelivered`."""
    mail = _to_make_sure(delivery) if delivery.type == MAKE_SURE else _of_what_ended(delivery)
    try:
        mail.send()
    except smtplib.SMTPRecipientsRefused as error:
        ((answer, why),) = error.recipients.values()
        raise Undelivered(MAIL_REFUSED(why=excerpt(why.decode(errors="replace"), 120)), answer) from None
    except (smtplib.SMTPException, OSError) as error:
        raise Undelivered(MAIL_REFUSED(why=excerpt(str(error), 120))) from None


def _to_make_sure(delivery: Delivery) -> EmailMessage:
    address = delivery.payload["address"]
    key = signing.dumps([str(delivery.owner_id), address], salt=SALT)
    text = _(
        "Somebody, you we hope, wants to be told at this address when jobs have ended.\n"
        "To agree, open this link within a day:\n\n{link}\n\nIf it was not you, do nothing.\n"
    )
    link = f"{settings.LATENT.site_url}/account/mail/confirm?key={key}"
    return EmailMessage(_("Is this your address?"), text.format(link=link), to=[address])


def _of_what_ended(delivery: Delivery) -> EmailMessage:
    ended = delivery.payload["ended"]
    subject = ngettext("A job of yours has ended", "{count} jobs of yours have ended", len(ended))
    lines = [_line(**payload) for payload in ended[:MOST_LINES]]
    if len(ended) > MOST_LINES:
        lines.append(_("And {count} more.").format(count=len(ended) - MOST_LINES))
    stop = _("To get no more of these: {address}").format(address=f"{settings.LATENT.site_url}/account/mail")
    text = "\n".join([*lines, "", stop, ""])
    return EmailMessage(subject.format(count=len(ended)), text, to=[delivery.owner.mail])


def _line(type: str, data: Mapping[str, Any], **_when: Any) -> str:
    status = Job.Status(data["status"]).label if "status" in data else type
    if type.startswith("batch."):
        return f"{data['name'] or _('Photos')}: {status}. {settings.LATENT.site_url}/batches/{data['batch']}"
    if "job" not in data:
        return type
    try:
        title = str(registry().get(data["operation"]).title)
    except UnknownOperation:
        title = data["operation"]
    return f"{_(title)}: {status}. {settings.LATENT.site_url}/jobs/{data['job']}"
