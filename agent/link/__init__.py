"""The way to the controller: long polls, reports, streams and sessions, and how long to wait."""
