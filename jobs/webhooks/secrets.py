"""Secrets of endpoints: derived from this installation's own, shown once, and never stored.

Who reads the database alone can sign nothing. After SECRET_KEY has changed, messages are signed by the secrets of the
keys before as well (SECRET_KEY_FALLBACKS), so that a receiver goes on with the one that it has.
"""

import base64
from datetime import datetime

from django.conf import settings
from django.utils.crypto import salted_hmac
from standardwebhooks.webhooks import Webhook

from jobs.models import WebhookEndpoint

SALT = "jobs.webhooks.secret"


def secret_of(nonce: str, project_id: int, key: str | bytes | None = None) -> str:
    """The secret as receivers take it: whsec_ and 256 bits in base64."""
    bits = salted_hmac(SALT, f"{project_id}:{nonce}", secret=key, algorithm="sha256").digest()
    return "whsec_" + base64.b64encode(bits).decode()


def signatures(endpoint: WebhookEndpoint, message: str, body: str, *, at: datetime) -> str:
    """The header `webhook-signature`: a signature for each secret in force, with spaces between."""
    keys = (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)
    secrets = [secret_of(nonce, endpoint.project_id, key) for nonce in endpoint.nonces(at) for key in keys]
    return " ".join(Webhook(secret).sign(message, at, body) for secret in secrets)
