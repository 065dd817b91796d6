from projects.console import register

register("annotation", editable={"Queue": ("title", "overlap", "weight", "sla_hours", "paused")})
