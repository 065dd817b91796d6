"""A throw-away home for every test process, so that no test touches a real installation.

A plugin (`-p tests.isolated_home`), because pytest-django reads the settings before it reads any conftest.
"""

import atexit
import os
import shutil
import tempfile

_home = tempfile.mkdtemp(prefix="plumbline-test-")
atexit.register(shutil.rmtree, _home, ignore_errors=True)
os.environ["PLUMBLINE_HOME"] = _home
# The audit draw is a keyed hash: with one signing key the same items are drawn on every run.
_key = os.open(os.path.join(_home, "secret_key"), os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
os.write(_key, b"only-for-tests-" * 5)
os.close(_key)
for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")  # as in manage.py: threads of two processes on two cores wait for each other
# Only the tests of the text encoder need its wheel; the others compare texts by TF-IDF, and are quicker for it.
os.environ["TEXT_ENCODER"] = "tfidf"
for _name in ("DATABASE_URL", "REDIS_URL", "SECRET_KEY", "HTTPS", "PLUMBLINE_FAULTS"):
    if not os.environ.get("PLUMBLINE_TEST_KEEP"):
        os.environ.pop(_name, None)
