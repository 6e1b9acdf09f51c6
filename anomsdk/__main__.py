"""`python -m anomsdk`: the command line."""

from anomsdk.cli.app import main

if __name__ == "__main__":
    main()
