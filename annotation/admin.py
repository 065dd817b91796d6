from projects.console import register

register("annotation", editable=("Queue",))
