"""``python -m toy``: every study of this folder, or those named."""

from toy.studies import app

app()
