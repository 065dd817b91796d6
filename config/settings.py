"""Every setting of Plumbline. Values come from the environment; docs/operations.md lists them."""

import os
from pathlib import Path

from csp.constants import NONE, SELF

from config import environment, home

BASE_DIR = Path(__file__).resolve().parent.parent
HOME = Path(os.environ.get("PLUMBLINE_HOME") or BASE_DIR / "var").resolve()
home.prepare(HOME)

SECRET_KEY = environment.secret(HOME)
DEBUG = environment.boolean("DEBUG")
HTTPS = environment.boolean("HTTPS")
ALLOWED_HOSTS = environment.words("ALLOWED_HOSTS", ["127.0.0.1", "localhost", "[::1]"])
CSRF_TRUSTED_ORIGINS = environment.words("CSRF_TRUSTED_ORIGINS", [])
PUBLIC_ADDRESS = environment.public_address(HOME)

INSTALLED_APPS = [
    "projects",
    "jobs",
    "annotation",
    "analysis",
    "retraining",
    "overview",
    "config",
    "config.console.ConsoleConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "axes",
    "csp",
    "django_htmx",
    "template_partials.apps.SimpleAppConfig",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "projects.middleware.request_id",
    "projects.middleware.api_problems",
    "projects.middleware.path_without_nul",
    "projects.middleware.body_limit",
    "projects.middleware.known_charset",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "projects.middleware.person_zone",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "projects.middleware.unusable_settings",
    "projects.middleware.keep_no_copy",
    "projects.middleware.vary_on_fragment",
    "projects.middleware.main_as_fragment",
    "axes.middleware.AxesMiddleware",
]

ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "OPTIONS": {
            "loaders": [
                (
                    "template_partials.loader.Loader",
                    [
                        (
                            "django.template.loaders.cached.Loader",
                            [
                                "django.template.loaders.filesystem.Loader",
                                "django.template.loaders.app_directories.Loader",
                            ],
                        )
                    ],
                )
            ],
            "builtins": [
                "template_partials.templatetags.partials",
                "projects.templatetags.components",
                "projects.templatetags.formatting",
            ],
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "overview.navigation.shell",
            ],
        },
    }
]

DATABASES = {"default": environment.database(HOME)}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
AUTH_USER_MODEL = "projects.User"
AUTHENTICATION_BACKENDS = ["axes.backends.AxesStandaloneBackend", "django.contrib.auth.backends.ModelBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
]
LOGIN_URL = "projects:sign-in"
LOGIN_REDIRECT_URL = "projects:home"

AXES_FAILURE_LIMIT = 5
AXES_COOLOFF_TIME = 0.25  # hours
AXES_CLIENT_IP_CALLABLE = "projects.throttle.client_address"
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_RESET_ON_SUCCESS = True
AXES_LOCKOUT_CALLABLE = "projects.views.locked_out"
AXES_ENABLE_ACCESS_FAILURE_LOG = False
AXES_VERBOSE = False

LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_I18N = False
USE_TZ = True

STATIC_URL = "static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
WHITENOISE_USE_FINDERS = True
WHITENOISE_MAX_AGE = 0  # revalidated by date, so an upgrade never runs yesterday's script

MEDIA_HOME = HOME / "media"
ARTIFACT_HOME = HOME / "artifacts"

BODY_LIMIT = 16 * 1024 * 1024  # bytes, before and after unpacking
ROW_LIMIT = 10_000
UPLOAD_LIMIT = environment.integer("UPLOAD_LIMIT_MIB", 2048, least=1) * 2**20  # bytes of a file to be imported
# Where the body may be such a file.
UPLOAD_PATHS = (
    r"/(projects/new/file|backtests/file|p/[^/]+/(exchange/upload|input-contract/compare)"
    r"|api/v1/projects/[^/]+/imports)"
)
FILE_DAYS = environment.integer("FILE_DAYS", 7, least=1)  # that uploaded and exported files are kept
DATA_UPLOAD_MAX_MEMORY_SIZE = BODY_LIMIT
DATA_UPLOAD_MAX_NUMBER_FIELDS = 1_000
WEB_MEMORY_GROWTH_MIB = environment.integer("WEB_MEMORY_GROWTH_MIB", 512, least=16)  # then a new process takes over

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:", "blob:"],
        "connect-src": [SELF],
        "font-src": [SELF],
        "base-uri": [NONE],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
    }
}
X_FRAME_OPTIONS = "DENY"
SECURE_REFERRER_POLICY = "same-origin"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_SSL_REDIRECT = HTTPS
SECURE_HSTS_SECONDS = 365 * 24 * 3600 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = HTTPS
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$"]
BEHIND_PROXY = environment.boolean("BEHIND_PROXY")
if BEHIND_PROXY:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

# Jobs. The row is the truth and a message is a hint, so losing the whole broker costs one reaper interval.
TEXT_ENCODER = os.environ.get("TEXT_ENCODER", "")  # "" for the best installed, minilm, tfidf, or a folder
REDIS_URL = os.environ.get("REDIS_URL", "")
BROKER_HOME = HOME / "broker"
JOB_LEASE_SECONDS = environment.integer("JOB_LEASE_SECONDS", 30, least=2)
JOB_RESEND_SECONDS = environment.integer("JOB_RESEND_SECONDS", 20, least=1)
REAPER_SECONDS = environment.integer("REAPER_SECONDS", 3, least=1)
LEASE_SECONDS = environment.integer("LEASE_SECONDS", 600, least=1)
OUTGOING_NETWORKS = environment.networks("OUTGOING_NETWORKS")  # private ones that webhooks may reach; none by default
METRICS_TOKEN = os.environ.get("METRICS_TOKEN", "")  # who sends it to /metrics is shown names too

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {"request": {"()": "projects.logs.RequestIds"}},
    "formatters": {"plain": {"format": "%(asctime)s %(levelname)s %(name)s [%(request_id)s] %(message)s"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "plain", "filters": ["request"]}},
    "root": {"handlers": ["stderr"], "level": environment.log_level()},
    "loggers": {"django": {"level": environment.log_level()}},  # else it is Django's own INFO
}
