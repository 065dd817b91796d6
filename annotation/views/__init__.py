"""Pages of annotation: the desk, queues, images."""
