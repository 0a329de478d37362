"""`python -m latentwalk` is the command `latentwalk`."""

from latentwalk.app.cli import main

if __name__ == "__main__":
    main()
