"""``python -m infodecode.cli``: the console command where no script is installed."""

from infodecode.cli import main

main()
