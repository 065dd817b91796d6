"""Capture the predictions and signals of a stream, of Redis or Kafka, until stopped."""

import json
import os
import signal
import socket
import time
from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from annotation.streams.base import Stream, StreamUnavailable
from annotation.streams.consuming import consume
from annotation.streams.kafka_stream import KafkaStream
from annotation.streams.redis_stream import RedisStream
from projects.archiving import ProjectArchived
from projects.models import Project

MOST_ROWS = 10_000


class Command(BaseCommand):
    help = __doc__
    stopped = False

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("slug")
        parser.add_argument("stream", help="The stream of Redis, or the topic of Kafka.")
        parser.add_argument("--redis", default="", metavar="URL", help="Where the stream is; REDIS_URL by default.")
        parser.add_argument("--kafka", default="", metavar="SERVERS", help="Bootstrap servers, for a topic of Kafka.")
        parser.add_argument("--group", default="plumbline")
        parser.add_argument("--consumer", default="", help="Its name in the group; host and process by default.")
        parser.add_argument("--batch", type=int, default=500, help="Most messages at once.")
        parser.add_argument(
            "--claim-seconds", type=float, default=60.0, help="How long a message lies with a consumer that died."
        )
        parser.add_argument("--until-empty", action="store_true", help="End where nothing waits.")
        parser.add_argument("--json", action="store_true")

    def handle(self, *args: Any, slug: str, **options: Any) -> None:
        project = Project.objects.filter(slug=slug).first()
        if project is None:
            raise CommandError(f"There is no project {slug}.")
        if not 1 <= options["batch"] <= MOST_ROWS or not options["claim_seconds"] > 0:
            raise CommandError(f"--batch takes 1 to {MOST_ROWS:,}, --claim-seconds a number above 0.")
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self.stop)
        try:
            stream = self.open_stream(options)
            consumed = consume(
                project,
                stream,
                most=options["batch"],
                clock=timezone.now,
                sleep=self.sleep,
                stopped=lambda: self.stopped,
                until_empty=options["until_empty"],
            )
            stream.close()
        except (StreamUnavailable, ProjectArchived) as why:
            raise CommandError(str(why)) from None
        words = f"{consumed.created:,} created, {consumed.existing:,} existing, {consumed.dead:,} dead."
        self.stdout.write(json.dumps(asdict(consumed)) if options["json"] else words)

    def open_stream(self, options: dict[str, Any]) -> Stream:
        name, group = options["stream"], options["group"]
        if options["kafka"]:
            return KafkaStream(options["kafka"], name, group=group)
        url = options["redis"] or settings.REDIS_URL
        if not url:
            raise CommandError("Say where the stream is: --redis URL or --kafka SERVERS, or set REDIS_URL.")
        consumer = options["consumer"] or f"{socket.gethostname()}-{os.getpid()}"
        claim = options["claim_seconds"]
        return RedisStream(url, name, group=group, consumer=consumer, claim_seconds=claim)

    def sleep(self, seconds: float) -> None:
        """In short pieces, so that a stop does not wait."""
        until = time.monotonic() + seconds
        while time.monotonic() < until and not self.stopped:
            time.sleep(0.1)

    def stop(self, *_: Any) -> None:
        """The batch in work is finished first."""
        self.stopped = True
