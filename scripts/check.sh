#!/bin/sh
# Format, lint, types, import contracts, missing migrations, deployment checks.
set -eu
home=$(mktemp -d)
trap 'rm -rf "$home"' EXIT
export PLUMBLINE_HOME="$home"
"$BIN/ruff" format --check .
"$BIN/ruff" check .
"$BIN/djade" --check --target-version 5.2 $(git ls-files 'templates/*.html')
"$BIN/python" -m scripts.check_templates $(git ls-files 'templates/*.html')
"$BIN/lint-imports"
"$BIN/mypy" config overview inputs projects jobs annotation analysis retraining validation scripts benchmarks tests
"$BIN/mypy" --config-file client/pyproject.toml client/src client/examples
"$BIN/python" manage.py makemigrations --check --dry-run
HTTPS=1 ALLOWED_HOSTS=plumbline.example "$BIN/python" manage.py check --deploy --fail-level WARNING
echo "All checks hold."
