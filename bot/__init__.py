"""canned: send canned responses from Slack into live Genesys Cloud conversations, once."""
