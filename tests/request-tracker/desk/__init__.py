"""A Request Tracker of one's own, to back up and to compare with. Start reading at `../rt`."""
