"""`python -m bot` is the `canned` command."""

from bot.cli import main

if __name__ == "__main__":
    main()
