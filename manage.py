#!/usr/bin/env python
"""Django's command line for Plumbline."""

import os
import sys
import warnings

# The processes of one machine share its cores: numeric libraries take one thread each. They read this when imported.
for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(name, "1")
# Celery warns root because of pickles; only JSON is accepted here.
warnings.filterwarnings("ignore", message="You're running the worker with superuser privileges")

from django.core.management import execute_from_command_line  # noqa: E402

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    execute_from_command_line(sys.argv)
