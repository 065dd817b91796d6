"""The causes of routing, one module each: importing this package registers every module in it."""

from validation.registry import import_modules

import_modules(__name__)
