"""Django's settings, all from `webapp.config`."""

from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import dj_database_url
from csp.constants import NONE, SELF
from django.templatetags.static import static
from django.urls import reverse_lazy
from django.utils.translation import gettext_lazy as _

from webapp import logs
from webapp.config import BASE_DIR, config

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise as StrPromise

CONFIG = config()
HOME: Path = CONFIG.latent_home.resolve()

LATENT = CONFIG  # the site's own settings, typed, for `jobs`, which asks Django alone
DEBUG = CONFIG.debug
SECRET_KEY = CONFIG.secret()
ALLOWED_HOSTS = [host.strip() for host in CONFIG.allowed_hosts.split(",") if host.strip()]
MEDIA_ORIGIN = [CONFIG.media_host] if CONFIG.media_host else []
ALLOWED_HOSTS += [str(urlsplit(origin).hostname) for origin in MEDIA_ORIGIN]
CSRF_TRUSTED_ORIGINS = [origin.strip() for origin in CONFIG.trusted_origins.split(",") if origin.strip()]

INSTALLED_APPS = [
    "unfold",
    "unfold.contrib.filters",
    "django.contrib.admin.apps.SimpleAdminConfig",  # webapp.urls finds its pages: workers need none
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django_htmx",
    "csp",
    "ninja",
    "axes",
    "jobs",
    "webapp",
]

MIDDLEWARE = [
    "jobs.web.middleware.NameRequests",
    "django.middleware.security.SecurityMiddleware",
    "jobs.web.middleware.MediaHost",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "webapp.csp.SiteCSPMiddleware",
    "jobs.web.middleware.RefuseLargeBodies",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "axes.middleware.AxesMiddleware",
    "jobs.web.middleware.ForgetWhoWasRefused",
    "jobs.web.middleware.SayThatTheDatabaseIsAway",
    "jobs.web.middleware.SayWhatIsRefused",
    "jobs.web.middleware.RefuseNullCharacters",
    "jobs.web.middleware.SayWhichMethod",
]

AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "django.contrib.auth.backends.ModelBackend",
]
AXES_HANDLER = "jobs.access.guessing.Handler"
AXES_FAILURE_LIMIT = 10  # for a name from an address; for all names from one, jobs.access.guessing has it
AXES_COOLOFF_TIME = timedelta(minutes=15)
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]  # a stranger cannot lock a member out
AXES_LOCKOUT_CALLABLE = "jobs.web.views.errors.locked_out"
AXES_CLIENT_IP_CALLABLE = "jobs.access.identity.client_address"
AXES_USERNAME_CALLABLE = "jobs.access.guessing.name_counted"
AXES_SENSITIVE_PARAMETERS = [
    *("old_password", "new_password1", "new_password2", "password1", "password2", "csrfmiddlewaretoken"),
]
AXES_RESET_ON_SUCCESS = True
AXES_DISABLE_ACCESS_LOG = True
AXES_ENABLE_ADMIN = AXES_VERBOSE = False

ROOT_URLCONF = "webapp.urls"
WSGI_APPLICATION = "webapp.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "libraries": {"latent": "jobs.web.template_tags"},
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

DATABASES = {
    "default": dj_database_url.parse(
        CONFIG.database_url or f"sqlite:///{HOME / 'latent.sqlite3'}", conn_max_age=600
    )
}
DATABASES["default"]["CONN_HEALTH_CHECKS"] = True
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    DATABASES["default"]["OPTIONS"] = {
        # A deferred transaction that reads, then writes, fails at once when another writes: lock first.
        "transaction_mode": "IMMEDIATE",
        "timeout": 30,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA cache_size=-16000;",
    }
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

REDIS_URL = CONFIG.redis_url or f"unix://{CONFIG.redis_socket}"

AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("UserAttributeSimilarityValidator", "MinimumLengthValidator", "CommonPasswordValidator")
]
LOGIN_URL, LOGIN_REDIRECT_URL, LOGOUT_REDIRECT_URL = "login", "library", "home"
CSRF_FAILURE_VIEW = "jobs.web.views.errors.csrf_failed"
SESSION_COOKIE_AGE = 60 * 60 * 24 * 365
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = CONFIG.https
SECURE_SSL_REDIRECT = CONFIG.https
SECURE_REDIRECT_EXEMPT = [r"^(healthz|readyz)$"]  # asked on this machine, without a front
SECURE_HSTS_SECONDS = 60 * 60 * 24 * 365 if CONFIG.https else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = CONFIG.https
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
if CONFIG.behind_proxy:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:", "blob:", *MEDIA_ORIGIN],
        "media-src": [SELF, *MEDIA_ORIGIN],
        "font-src": [SELF],
        "connect-src": [SELF],
        "manifest-src": [SELF],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
        "base-uri": [NONE],
    }
}


def _admin_page(title: "StrPromise", icon: str, view: str) -> dict[str, Any]:
    return {"title": title, "icon": icon, "link": reverse_lazy(f"admin:{view}")}


UNFOLD = {
    "SITE_TITLE": "Latent",
    "SITE_HEADER": "Latent",
    "SITE_SUBHEADER": _("Admin"),
    "SITE_ICON": lambda request: static("icon.svg"),
    "SITE_FAVICONS": [{"rel": "icon", "type": "image/svg+xml", "href": lambda request: static("icon.svg")}],
    "SITE_URL": "/",
    "ENVIRONMENT": None,
    "DASHBOARD_CALLBACK": "jobs.admin.dashboard.fill",
    "STYLES": [lambda request: static("admin-latent/admin.css")],
    "SCRIPTS": [lambda request: static("admin-latent/admin.js")],
    "BORDER_RADIUS": "8px",
    "COLORS": {
        "base": {
            "50": "#faf9f6",
            "100": "#f2f0eb",
            "200": "#e3e0d9",
            "300": "#cdc9c0",
            "400": "#a09c94",
            "500": "#66635d",
            "600": "#55524d",
            "700": "#3b3935",
            "800": "#2d2b28",
            "900": "#1c1b19",
            "950": "#121110",
        },
        "primary": {
            "50": "#fdf3f2",
            "100": "#fbe4e1",
            "200": "#f8cdc7",
            "300": "#f4aaa0",
            "400": "#ff8b79",
            "500": "#ff6a55",
            "600": "#c4261d",
            "700": "#a51f18",
            "800": "#891d17",
            "900": "#721e19",
            "950": "#3e0b08",
        },
    },
    "SIDEBAR": {
        "navigation": [
            {
                "items": [
                    _admin_page(_("Dashboard"), "monitoring", "index"),
                    _admin_page(_("Jobs"), "photo_camera", "jobs_job_changelist"),
                    _admin_page(_("Photos"), "image", "jobs_asset_changelist"),
                    _admin_page(_("Albums"), "photo_album", "jobs_album_changelist"),
                    _admin_page(_("Share links"), "link", "jobs_sharelink_changelist"),
                ]
            },
            {
                "title": _("People"),
                "separator": True,
                "items": [
                    _admin_page(_("Owners"), "group", "jobs_owner_changelist"),
                    _admin_page(_("Users"), "person", "auth_user_changelist")
                    | {"permission": lambda request: request.user.has_perm("auth.view_user")},
                    _admin_page(_("API tokens"), "key", "jobs_apitoken_changelist"),
                ],
            },
        ]
    },
}

EMAIL_HOST, EMAIL_PORT = CONFIG.email_host, CONFIG.email_port
EMAIL_HOST_USER, EMAIL_HOST_PASSWORD = CONFIG.email_host_user, CONFIG.email_host_password
EMAIL_USE_TLS, EMAIL_USE_SSL = CONFIG.email_security == "starttls", CONFIG.email_security == "tls"
EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL = CONFIG.email_from

LANGUAGE_CODE = "en"
LANGUAGES = [("en", _("English"))]
LOCALE_PATHS = [BASE_DIR / "locale"]
FORMAT_MODULE_PATH = "webapp.formats"
TIME_ZONE = "UTC"
USE_TZ = True

STATIC_URL = "/static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
STATIC_ROOT = HOME / "static"
MEDIA_ROOT = HOME / "media"
STORAGES = {
    "default": {
        "BACKEND": "jobs.storage.bucket.Bucket" if CONFIG.s3_bucket else "jobs.storage.folder.Folder"
    },
    "staticfiles": {"BACKEND": "webapp.static_files.StaticFiles"},
}
FILE_UPLOAD_HANDLERS = [
    "jobs.intake.receive.UploadLimit",  # before the others, so that what is too large reaches neither memory nor disk
    "django.core.files.uploadhandler.MemoryFileUploadHandler",
    "django.core.files.uploadhandler.TemporaryFileUploadHandler",
]
FILE_UPLOAD_MAX_MEMORY_SIZE = 2_500_000
FILE_UPLOAD_TEMP_DIR = HOME / "uploading"
FILE_UPLOAD_TEMP_DIR.mkdir(parents=True, exist_ok=True)

LOGGING = logs.configuration(CONFIG)
