"""`python -m ops`: the operations command."""

from ops.cli import app

if __name__ == "__main__":
    app(prog_name="bionemo")
