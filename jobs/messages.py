"""What the site says. Each message is defined once, and kept and sent as its code and its values."""

from typing import Any

from django.utils.translation import gettext

from ml.core.messages import NOT_A_PICTURE as NOT_A_PICTURE
from ml.core.text import Message, _, stored
from ml.registry import registry


def told(said: "Message | dict[str, Any] | str | None") -> str:
    """A message, as it is or as it was kept, in the reader's language; so too a text of a declaration or of an old row."""
    if isinstance(said, dict):
        registry()  # brings the messages of the operations with it
        said = stored(said["code"], said["values"])
    if isinstance(said, Message):
        return said.render(gettext)
    return gettext(said) if said else ""


BAD_TOKEN = Message("bad_token", _("This token is not good. Make a new one."))
WRONG_LINK_PASSWORD = Message("wrong_link_password", _("This is not the password of this link."))
NOTHING_TO_SHARE = Message("nothing_to_share", _("There is no result to share yet."))
ALBUM_NAMELESS = Message("album_nameless", _("Give the album a name."))
ALBUM_FULL = Message(
    "album_full", _("An album holds {count:,} photos at most. Make another one for the rest.")
)
TOO_MANY_ALBUMS = Message(
    "too_many_albums", _("You have {count} albums, and that is the limit. Delete one first.")
)
TOO_MANY_ZIPS = Message(
    "too_many_zips",
    _("By this link {count} archives were fetched within an hour, and that is the limit. Try again later."),
)
STILL_NEEDED = Message(
    "still_needed", _("A job that has not ended needs this photo. Wait for it, or cancel it first.")
)
UNKNOWN_PHOTO = Message("unknown_photo", _("There is no photo {id} of yours. Upload it first."))
STORAGE_AWAY = Message(
    "storage_away", _("The pictures of this site are out of reach for the moment. Try again in a minute.")
)
BAD_PHOTO = Message("bad_photo", _("“{file}” in this archive: {reason}"))
ARCHIVE_TOO_LARGE = Message(
    "archive_too_large",
    _(
        "The photos in this archive have more than {limit:g} megapixels in all. Make them smaller and try "
        "again."
    ),
)
TELLS_APART = Message("tells_apart", _("Tells apart: {classes}."))
PHOTOS_OF = Message("photos_of", _("Photos of {classes}."))
UPLOAD_DAMAGED = Message(
    "upload_damaged", _("This picture is damaged, cut short or of a rare kind. Export or download it again.")
)
FORMAT_NOT_TAKEN = Message(
    "format_not_taken", _("This is a {format} file, which this site does not take. Export it as JPEG or PNG.")
)
FILM_NOT_TAKEN = Message(
    "film_not_taken",
    _("This is a {format} video, which this site does not take. Export it as MP4 with H.264."),
)
FORMAT_NOT_READ = Message(
    "format_not_read",
    _(
        "This is a {format} file, which cannot be read here. Export the picture as JPEG or PNG, a video as MP4."
    ),
)
TOO_MANY_UPLOADS = Message(
    "too_many_uploads",
    _("You have sent {count} photos within an hour, and that is the limit. Go on in {minutes} min."),
)
TOO_MANY_SIGN_UPS = Message(
    "too_many_sign_ups",
    _(
        "From where you are {count} accounts were made within an hour, and that is the limit. Try again later."
    ),
)
NO_ROOM = Message(
    "no_room", _("Your photos and results take {limit} MB, and no more fit. Delete some, and try again.")
)
DISK_NEARLY_FULL = Message(
    "disk_nearly_full",
    _("The disk of this site is nearly full, so nothing new is taken for now. Try again later."),
)
TOO_MANY_PIXELS = Message(
    "too_many_pixels",
    _(
        "This picture has {width} × {height} pixels ({megapixels:,.1f} megapixels); at most {limit:g} "
        "megapixels can be sent. Make it smaller and try again."
    ),
)
TOO_MANY_FRAMES = Message(
    "too_many_frames",
    _(
        "This animation is too long: at most {frames:,} frames and {limit:g} megapixels in all can be sent. "
        "Make it shorter or smaller and try again."
    ),
)
ANIMATION_TOO_WIDE = Message(
    "animation_too_wide",
    _("An animation can be {limit:,} pixels wide or high. Make it smaller and try again."),
)
UPLOAD_OUT_OF_MEMORY = Message(
    "upload_out_of_memory",
    _("The server is short of memory just now. Try again later or send a smaller picture."),
)
UPLOAD_NEEDS_MEMORY = Message(
    "upload_needs_memory",
    _("To read this file takes more memory than an upload may take. Make it smaller and try again."),
)
UPLOAD_NEEDS_TIME = Message(
    "upload_needs_time",
    _("To read this file takes longer than an upload may take. Make it shorter or smaller and try again."),
)
UPLOADS_BUSY = Message(
    "uploads_busy", _("The site is reading other uploads just now. Try again in a few seconds.")
)
TOO_MANY_AT_ONCE = Message(
    "too_many_at_once",
    _("Of yours, {count} uploads are being read just now. Send this one again in a few seconds."),
)
UPLOAD_NOT_KEPT = Message(
    "upload_not_kept", _("The server's disk is full. Try again later, or tell whoever runs it.")
)
TOO_LARGE = Message(
    "too_large",
    _("This file has {size:.1f} MB; at most {limit} MB can be sent. Make it smaller and try again."),
)
EMPTY = Message("empty", _("This file is empty. Choose another one."))
TOO_LONG = Message(
    "too_long", _("This video is too long: at most {limit} seconds can be sent. Cut out the part you need.")
)
VIDEO_TOO_LARGE = Message(
    "video_too_large",
    _(
        "The pictures of this video have {width} × {height} pixels; at most {limit:g} megapixels can be sent. "
        "Make it smaller and try again."
    ),
)
VIDEO_FAR_TOO_LARGE = Message(
    "video_far_too_large",
    _("The pictures of this video have more than {limit:g} megapixels. Make it smaller and try again."),
)
TOO_MANY_VIDEO_FRAMES = Message(
    "too_many_video_frames",
    _(
        "This video is too long for its size: at most {frames:,} pictures and {limit:,g} megapixels in all "
        "can be sent. Make it shorter or smaller and try again."
    ),
)
CHANGING_SIZE = Message(
    "changing_size", _("The pictures of this video change their size midway. Export it in one size.")
)
SOUND_LEFT_OUT = Message(
    "sound_left_out", _("Its sound is coded in a way that we do not read, and was left out.")
)
ALPHA_LEFT_OUT = Message("alpha_left_out", _("Its transparency was left out, as no MP4 has any."))
CODED_ANEW = Message("coded_anew", _("Coded anew as H.264, which every browser plays."))
FIRST_FRAME_ALONE = Message("first_frame_alone", _("Of an animation, this takes the first frame alone."))
MEMBERS_ONLY = Message("members_only", _("This is for members. Sign up or log in first."))
TOO_MANY_MEGAPIXELS = Message(
    "too_many_megapixels",
    _(
        "Your waiting jobs would have more than {limit:,} megapixels together, and that is the limit. Try "
        "again when some are done."
    ),
)
QUEUE_FULL = Message(
    "queue_full",
    _("{count:,} jobs wait here already, and no more are taken for now. Try again in some minutes."),
)
TOO_MANY_JOBS = Message(
    "too_many_jobs", _("You have {count} jobs waiting, and no more fit. Try again when some are done.")
)
TOO_MANY_JOBS_AT_ONCE = Message(
    "too_many_jobs_at_once",
    _(
        "These would be {asked} jobs, and of at most {most} that may wait, {count} do already. Choose fewer "
        "photos, or try again when some are done."
    ),
)
PHOTO_DELETED = Message("photo_deleted", _("A photo of this job has been deleted. Upload it again."))
NO_LONGER_OFFERED = Message("no_longer_offered", _("This operation is no longer offered."))
NOT_FAILED = Message("not_failed", _("Only a failed job can be tried again."))
ALREADY_ENDED = Message("already_ended", _("This job has ended already."))
DEADLINE = Message(
    "deadline",
    _("This took longer than the {minutes:g} minutes it may. Use a smaller photo or a faster method."),
)
HANDED_BACK = Message("handed_back", _("handed back by a worker that was told to go"))
WORKER_LOST = Message(
    "worker_lost",
    _(
        "The worker was lost {count} times while it ran this job. It may need more memory than there is: try "
        "a smaller photo, or tell the admin."
    ),
)
LOST = Message("lost", _("its worker was lost"))
UNKNOWN_PRESET = Message(
    "unknown_preset", _("There is no such preset. Choose another one, or name the steps.")
)
TOO_MANY_PRESETS = Message(
    "too_many_presets", _("You have {limit} presets, and no more can be kept. Delete one first.")
)
BAD_RECIPE = Message(
    "bad_recipe", _("This is not a recipe of Latent. Take a result that was made here, or its recipe.json.")
)
STEPS_OR_PRESET = Message("steps_or_preset", _("Name either the steps or a preset."))
UNKNOWN_SLOT_OF_STEPS = Message(
    "unknown_slot_of_steps", _("None of these steps has an input “{name}”. Leave it out.")
)
DOES_NOT_TAKE = Message(
    "does_not_take", _("“{step}” cannot be done to “{file}”. Leave it out, or begin with another step.")
)
NO_STEPS = Message("no_steps", _("Nothing is to be done. Name at least one step."))
NO_PHOTOS = Message("no_photos", _("Nothing is to be worked on. Name at least one photo."))
TOO_MANY_STEPS = Message(
    "too_many_steps", _("These are {count} steps; at most {limit} can be done one after the other.")
)
TOO_MANY_PHOTOS = Message(
    "too_many_photos",
    _("These are {count} photos; at most {limit} can be sent as one. Send the rest after them."),
)
EARLIER_STEP_DONE = Message("earlier_step_done", _("the step before it is done"))
EARLIER_STEP_ENDED = Message(
    "earlier_step_ended",
    _(
        "“{step}”, which comes before it, did not succeed, so there was nothing to go on with. Try that step again."
    ),
)
EARLIER_STEP_DELETED = Message(
    "earlier_step_deleted",
    _("“{step}”, which comes before it, was deleted, so there was nothing to go on with."),
)
NOTHING_TO_GO_ON_WITH = Message(
    "nothing_to_go_on_with",
    _("“{step}”, which comes before it, made no picture of this photo, so there was nothing to go on with."),
)
WAITS_FOR_STEP = Message("waits_for_step", _("submitted; waits for the step before it"))
WAITS_AGAIN = Message("waits_again", _("waits again for the step before it"))
TRIED_AGAIN = Message("tried_again", _("tried again"))
CANCELLED_BEFORE = Message("cancelled_before", _("cancelled before it started"))
RESULT_TOO_LARGE = Message(
    "result_too_large",
    _("The result would have {size:.0f} megapixels, and the limit is {limit:.0f}. Choose a smaller size."),
)
TOO_EXPENSIVE = Message(
    "too_expensive",
    _(
        "This would take about {minutes} minutes here, and the limit is {limit}. Use a smaller photo or a "
        "faster method."
    ),
)
IDEMPOTENCY_CONFLICT = Message(
    "idempotency_conflict",
    _("This Idempotency-Key was used for another request. Use a new key for a new job."),
)
SUBMITTED = Message("submitted", _("submitted"))
CSRF = Message("csrf", _("Send the CSRF token of the site in the header X-CSRFToken."))
INVALID = Message("invalid", _("“{name}” is not right: {reason}."))
NOT_FOUND = Message("not_found", _("There is nothing here, or it is not yours to see."))
UNAUTHENTICATED = Message("unauthenticated", _("Send a token: Authorization: Bearer …"))
UNREADABLE_REQUEST = Message("unreadable_request", _("This request cannot be read: {why}."))
BAD_CURSOR = Message("bad_cursor", _("Use the next_cursor of an earlier page."))
WRONG_METHOD = Message("wrong_method", _("This address takes {allowed}, and not {method}."))
BODY_TOO_LARGE = Message(
    "body_too_large",
    _("This is {size:,} MB, and at most {limit} MB can be sent. Make it smaller and try again."),
)
PAST_THE_END = Message("past_the_end", _("This file ends before what was asked for. Ask for all of it."))
TOO_LARGE_FOR_A_COPY = Message(
    "too_large_for_a_copy",
    _(
        "Pictures of more than {limit:g} megapixels are not written anew here. Download the file as it is, or use Transform."
    ),
)
SHARED_FROM_ELSEWHERE = Message(
    "shared_from_elsewhere",
    _("Only your phone can share photos to this address. Send them from the home page."),
)
NULL_CHARACTER = Message("null_character", _("There is a null character in this address. Take it out."))
DATABASE_AWAY = Message(
    "database_away", _("The site cannot reach its database just now. Nothing is lost: try again in a minute.")
)
INTERNAL = Message(
    "internal", _("Something went wrong on our side. Try again; if it happens again, tell the admin.")
)
BAD_REQUEST = Message(
    "bad_request", _("Your browser sent something that makes no sense here. Go back and try again.")
)
FORBIDDEN = Message("forbidden", _("This is not for you to see. Log in as somebody who may."))
NOTHING_HERE = Message(
    "nothing_here",
    _("There is nothing at this address: it was deleted, its link has expired, or it is not yours to see."),
)
FORM_TOO_OLD = Message(
    "form_too_old",
    _("This form is too old, or your browser sends no cookies. Go back, reload the page and send it again."),
)
TOO_MANY_ATTEMPTS = Message(
    "too_many_attempts", _("Too many wrong passwords. Try again in {minutes} minutes.")
)
LOG_IN_TO_KEEP = Message("log_in_to_keep", _("Log in to keep results for good."))
NO_PICTURE = Message("no_picture", _("This job has no picture that could be used."))
NO_FILE = Message("no_file", _("Choose a photo first."))
TOO_MANY_FILES = Message("too_many_files", _("At most {count} photos fit at once."))
OUT_OF_MEMORY = Message("out_of_memory", _("This needs more memory than there is. Try a smaller photo."))
RESULT_NOT_KEPT = Message(
    "result_not_kept", _("The disk of this site is full, so the result could not be kept. Try again later.")
)
NO_PHOTO = Message("no_photo", _("This is no photo."))
PHOTO_MISSING = Message("photo_missing", _("Choose a photo first."))
PHOTOS_MISSING = Message("photos_missing", _("More photos are needed here."))
TAKEN_BY = Message("taken_by", _("by {worker}"))
BODY = Message("body", _("body"))
BAD_WEBHOOK_URL = Message(
    "bad_webhook_url", _("Write the address as https://receiver.example/path, without a name and a password.")
)
NO_SUCH_HOST = Message("no_such_host", _("There is no machine named {host}."))
PRIVATE_ADDRESS = Message(
    "private_address",
    _("{host} leads to an address of this machine or of a network that is not public. Use a public one."),
)
TOO_MANY_WEBHOOKS = Message("too_many_webhooks", _("You may have {count} webhooks. Delete one first."))
JUST_SENT = Message("just_sent", _("This was sent a moment ago. Wait {seconds} seconds."))
NO_ANSWER = Message("no_answer", _("There was no answer: {why}."))
TOO_SLOW = Message("too_slow", _("There was no answer within {seconds} seconds."))
WRONG_ANSWER = Message("wrong_answer", _("The answer was {status}, and only 200 to 299 says that it came."))
REDIRECTED = Message(
    "redirected",
    _("The answer was {status}, which leads elsewhere, and nobody follows. Use the address itself."),
)
NO_MAIL_SERVER = Message("no_mail_server", _("This site sends no mail."))
NO_MAIL_ADDRESS = Message("no_mail_address", _("This is no mail address."))
TOO_MANY_MAILS = Message(
    "too_many_mails",
    _("{count} mails were sent to make sure within an hour. Look for them, or try again later."),
)
MAIL_KEY_OVER = Message("mail_key_over", _("This link is over, or is not yours. Ask for a new one."))
MAIL_REFUSED = Message("mail_refused", _("The mail server did not take it: {why}."))
