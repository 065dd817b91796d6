from projects.console import register

QUEUE = ("title", "overlap", "weight", "sla_hours", "strategy", "order", "daily_budget", "paused")
register("annotation", editable={"Queue": QUEUE})
