"""`python -m agent`: the same as the command `trueup`."""

from agent.faces.cli import main

if __name__ == "__main__":
    main()
