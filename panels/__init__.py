"""What the sidebar and the preferences draw."""
