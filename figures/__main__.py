"""``python -m figures``: every picture of this folder."""

from figures import toys

toys.main()
