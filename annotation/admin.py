from projects.console import register

register("annotation", editable={"Queue": ("title", "overlap", "weight", "promise_hours", "paused")})
