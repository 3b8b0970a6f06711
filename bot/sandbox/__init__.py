"""Try it with no account: simulated Genesys, simulated Slack and the real bot, over real HTTP."""
