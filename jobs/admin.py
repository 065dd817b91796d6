from projects.console import register

register("jobs")
