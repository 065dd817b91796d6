"""Routing: which captured items need a person, why, and with what probability each was drawn.

The audit is drawn when an item is captured (`audit`). A round (`rounds`) asks each cause (`causes`, a module each) for
the items that it would choose, from candidates that an index finds among all items of the window (`candidates`), as
many as present people can take (`capacity`), and puts them into queues (`placing`). The active choice may look at
anything but an item's own audit draw and label; docs/decisions/09-audit-at-capture.md says why.
"""

from annotation.routing.rounds import Routed, route

__all__ = ["Routed", "route"]
