"""Numbers as a person would say them."""

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop, ngettext

from jobs.messages import told
from jobs.models import Job, ShareLink
from jobs.queue.state import State

ORDINALS = (
    gettext_noop("Next in line"),
    gettext_noop("Second in line"),
    gettext_noop("Third in line"),
    gettext_noop("Fourth in line"),
    gettext_noop("Fifth in line"),
    gettext_noop("Sixth in line"),
    gettext_noop("Seventh in line"),
    gettext_noop("Eighth in line"),
    gettext_noop("Ninth in line"),
    gettext_noop("Tenth in line"),
)


def duration(seconds: float) -> str:
    """A length of time, no more exact than a person needs."""
    if seconds < 1:
        return _("a moment")
    if seconds < 20:
        return _("{count} s").format(count=round(seconds))
    if seconds < 90:
        return _("{count} s").format(count=5 * round(seconds / 5))
    if seconds < 3600:
        return _("{count} min").format(count=round(seconds / 60))
    hours, minutes = divmod(round(seconds / 60), 60)
    return _("{hours} h {minutes} min").format(hours=hours, minutes=minutes)


def place(position: int) -> str:
    """1 is next."""
    if position <= len(ORDINALS):
        return _(ORDINALS[position - 1])
    return _("Number {position} in line").format(position=f"{position:,}")


def cost(seconds: float, ahead: int) -> str:
    """What a job will take, and how many are served before it."""
    takes = _("About {duration} on this machine").format(duration=duration(max(1, seconds)))
    if not ahead:
        return takes + "."
    return ngettext("{takes}, {count} ahead of you.", "{takes}, {count} ahead of you.", ahead).format(
        takes=takes, count=f"{ahead:,}"
    )


def status_line(job: Job, state: State) -> str:
    """How a job stands, in one line."""
    match job.status:
        case Job.Status.BLOCKED:
            return _("Waits for the step before it")
        case Job.Status.QUEUED:
            said = [place(state.position or 1)]
            if state.eta_seconds:
                said.append(_("about {duration}").format(duration=duration(max(1, state.eta_seconds))))
        case Job.Status.RUNNING if state.cancelling:
            said = [_("Stopping")]
        case Job.Status.RUNNING:
            note = told(state.note) or _("Developing")
            said = [note[:1].upper() + note[1:]]
            if state.eta_seconds and state.eta_seconds >= 1:
                said.append(_("{duration} left").format(duration=duration(state.eta_seconds)))
        case Job.Status.SUCCEEDED:
            said = [_("Done")]
            if job.run_seconds is not None:
                said.append(_("in {duration}").format(duration=ran(job.run_seconds)))
            return " ".join(said)
        case Job.Status.FAILED:
            return _("This did not work")
        case _:
            return _("Cancelled")
    return ", ".join(said)


def ran(seconds: float) -> str:
    """How long something took, to a tenth where it was quick."""
    if seconds < 0.1:
        return _("under 0.1 s")
    return _("{count} s").format(count=f"{seconds:.1f}") if seconds < 10 else duration(seconds)


def terms(link: ShareLink) -> list[str]:
    """What a link shows, and asks, other than most do."""
    said = {
        _("without the original"): not link.original and link.job_id is not None,
        _("with the originals"): link.original and link.album_id is not None,
        _("with the recipe"): link.recipe,
        _("with a password"): bool(link.password),
        _("only to look at"): not link.download,
    }
    return [term for term, holds in said.items() if holds]
