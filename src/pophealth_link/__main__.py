"""`python -m pophealth_link` is the command `pophealth-link`."""

from pophealth_link.cli import main

if __name__ == "__main__":
    main()
