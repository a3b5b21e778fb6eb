"""``python -m toy``: every study of this folder, one after another."""

import sys

from toy import heart

sys.exit(heart.main())
