"""Properties of numbers, not of the clock: a busy machine must not fail them."""

from hypothesis import settings

settings.register_profile("measures", deadline=None)
settings.load_profile("measures")
