"""One file for each action of the user."""
