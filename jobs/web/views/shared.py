"""What somebody with a link sees, and the links that an owner has given away."""

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from jobs.access import identity, sharing, visibility
from jobs.errors import Refused
from jobs.models import ShareLink
from jobs.queue.state import State
from jobs.web.presenters.job import JobPresenter


@require_http_methods(["GET", "HEAD", "POST"])
def shared(request: HttpRequest, token: str) -> HttpResponse:
    """The result, once the password was given where there is one."""
    link = sharing.live_share(token)
    if request.method == "POST" and link.password:
        return _unlock(request, link)
    if request.method == "POST" or not sharing.is_open(request, link):
        return _locked(request) if link.password else redirect("shared", token)
    presenter = JobPresenter(link.job, State(series=link.job.series), token=token, original=link.original)
    response = render(request, "shared.html", {"link": link, "presenter": presenter, "job": link.job})
    response["X-Robots-Tag"] = "noindex, nofollow"
    response["Cache-Control"] = "private, no-cache"
    return response


def _unlock(request: HttpRequest, link: ShareLink) -> HttpResponse:
    try:
        sharing.unlock(request, link, request.POST.get("password", ""))
    except Refused as error:
        return _locked(request, error)
    return redirect("shared", link.token)


def _locked(request: HttpRequest, refused: Refused | None = None) -> HttpResponse:
    """Asks for the password, and says nothing of what is behind it."""
    response = render(request, "locked.html", {"refused": refused}, status=refused.status if refused else 200)
    response["X-Robots-Tag"] = "noindex, nofollow"
    response["Cache-Control"] = "private, no-store"
    if refused and refused.retry_after:
        response["Retry-After"] = str(refused.retry_after)
    return response


@require_safe
def links(request: HttpRequest) -> HttpResponse:
    owner = identity.owner_of(request)
    found = sharing.live_links_of(owner).select_related("job") if owner else ShareLink.objects.none()
    presented = [(link, JobPresenter(link.job, State())) for link in found[:200]]
    return render(request, "links.html", {"links": presented})


@require_POST
def revoke(request: HttpRequest, link_id: int) -> HttpResponse:
    link = ShareLink.objects.select_related("job").filter(pk=link_id).first()
    if link is None:
        raise Http404
    visibility.own_job(request, link.job.uuid)
    sharing.revoke(ShareLink.objects.filter(pk=link.pk))
    if request.POST.get("back") == "job":
        return redirect("job", link.job.uuid)
    return redirect("links")
