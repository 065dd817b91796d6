"""The process of a backtest: `python -m retraining.backtest`, started by `retraining.backtest.supervision`.

Standard input: the options as one line of JSON; its end says that nobody waits for the answer any more. Standard
output: a line of JSON for each step, then one with the result or the error.
"""

import json
import os
import sys
import threading
import warnings
from typing import Any, TextIO

import django

from validation import InvalidInput

REMOVE = "import shutil, sys; shutil.rmtree(sys.argv[1])"


def main() -> None:
    answers, sys.stdout = sys.stdout, sys.stderr  # what libraries print is no answer
    given = json.loads(sys.stdin.readline())
    threading.Thread(target=_end_with_the_caller, daemon=True).start()
    warnings.simplefilter("ignore")  # what libraries say of odd columns is no part of the answer
    django.setup()
    from retraining.backtest.options import parse_options
    from retraining.backtest.replay import run_backtest

    def progress(share: float, words: str) -> None:
        _write_line(answers, progress=round(share, 4), words=words)

    try:
        _write_line(answers, result=run_backtest(parse_options(given), progress=progress))
    except InvalidInput as why:
        _write_line(answers, error=" ".join(str(why).split()))


def _write_line(answers: TextIO, **line: Any) -> None:
    answers.write(json.dumps(line, allow_nan=False) + "\n")
    answers.flush()


def _end_with_the_caller() -> None:
    """Wait for the end of standard input: the caller was killed or stops, and the home is to be removed."""
    sys.stdin.read()
    # In place of this process, so that no other thread writes there any more.
    os.execv(sys.executable, [sys.executable, "-c", REMOVE, os.environ["PLUMBLINE_HOME"]])


if __name__ == "__main__":
    main()
