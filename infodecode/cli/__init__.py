"""The console command ``infodecode``; `main` is its entry point."""

from infodecode.cli.app import app as app
from infodecode.cli.app import main as main

__all__ = ["app", "main"]
