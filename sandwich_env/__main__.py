"""`python -m sandwich_env` is the command `sandwich`."""

from sandwich_env.cli import main

if __name__ == "__main__":
    main()
