"""The command line: one file per verb, which parses, calls and prints. Heavy parts are imported inside the commands."""
