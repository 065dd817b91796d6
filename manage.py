#!/usr/bin/env python
"""Django's command line for Plumbline; `./plumbline COMMAND` is the same in an environment that it makes."""

import os
import re
import sys
import warnings

# The processes of one machine share its cores: numeric libraries take one thread each. They read this when imported.
for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(name, "1")
# Celery warns root because of pickles; only JSON is accepted here.
warnings.filterwarnings("ignore", message="You're running the worker with superuser privileges")

NO_TABLES = re.compile(r"no such (table|column)|(relation|column) .* does not exist")


def main() -> None:
    """Run the command; whatever is missing around it is said in one sentence."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    try:
        from django.core.exceptions import ImproperlyConfigured
        from django.core.management import execute_from_command_line
        from django.db.utils import DatabaseError, OperationalError
    except ModuleNotFoundError as missing:
        sys.exit(
            f"This Python has no module {missing.name}. Run ./plumbline in place of python manage.py: it makes an "
            "environment with all of them and uses it."
        )
    try:
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as why:
        sys.exit(str(why))
    except DatabaseError as why:
        if NO_TABLES.search(str(why)):
            sys.exit("The database has not the tables of this version. Make them: ./plumbline migrate")
        if isinstance(why, OperationalError):
            sys.exit(f"The database cannot be used: {str(why).strip().splitlines()[0]}.")
        raise


if __name__ == "__main__":
    main()
