"""The test kind of tests.annotation.json_kind as an installed app, with its templates and its desk module."""
