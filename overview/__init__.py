"""What must see every app: the Overview page, navigation, and the demo project."""
