"""``python -m figures``: every picture of this folder."""

from figures import frontiers, toys

toys.main()
frontiers.main()
