"""The Celery application. It carries hints only; the Job rows are the truth (docs/decisions)."""

import os
from pathlib import Path
from typing import Any

from celery import Celery
from kombu import Connection

from config import file_broker
from jobs import broker

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")


SEND_SECONDS = 0.5  # to connect, and again for each answer; a request waits for it


class Application(Celery):
    """Celery that gives up soon where it sends: a consumer waits for messages, but a request never waits for Redis."""

    def connection_for_write(self, url: str | None = None, **options: Any) -> Connection:
        if str(self.conf.broker_url).startswith("redis"):
            limits = {"socket_timeout": SEND_SECONDS, "socket_connect_timeout": SEND_SECONDS, "max_retries": 0}
            options["transport_options"] = limits | (options.get("transport_options") or {})
        return super().connection_for_write(url, **options)


def broker_settings(redis_url: str, folder: Path) -> dict[str, Any]:
    """Broker address and transport options: Redis where there is an address, else files in a private folder."""
    if redis_url:
        return {
            "broker_url": redis_url,
            "broker_transport_options": {
                "visibility_timeout": 2 * 3600,  # longer than the longest hard limit
                "unacked_restore_interval": 5,
                "unacked_restore_throttle": 1,
                "socket_timeout": 10,
                "socket_connect_timeout": 5,
                "socket_keepalive": True,
                "health_check_interval": 15,
            },
        }
    broker.make_folders(folder)
    file_broker.install()
    return {
        "broker_url": "filesystem://localhost/",
        "broker_transport_options": {
            "data_folder_in": str(folder / "messages"),
            "data_folder_out": str(folder / "messages"),
            "control_folder": str(folder / "control"),
            "polling_interval": 0.2,
        },
    }


def configuration() -> dict[str, Any]:
    from django.conf import settings  # noqa: PLC0415  settings need DJANGO_SETTINGS_MODULE, set above

    return {
        **broker_settings(settings.REDIS_URL, settings.BROKER_HOME),
        "task_serializer": "json",
        "accept_content": ["json"],
        "task_ignore_result": True,
        "result_backend": None,
        "task_default_queue": "default",
        "task_acks_late": False,  # early: a job that kills its worker must not come back by itself for ever
        "task_create_missing_queues": True,
        "worker_prefetch_multiplier": 1,
        "worker_max_tasks_per_child": 200,
        "worker_send_task_events": False,
        "worker_hijack_root_logger": False,
        "broker_connection_retry_on_startup": True,
        "broker_connection_timeout": 4,
        "enable_utc": True,
        "timezone": "UTC",
        "imports": ["jobs.tasks", "annotation.tasks", "analysis.tasks", "retraining.tasks"],
    }


app = Application("plumbline")
app.config_from_object(configuration())
