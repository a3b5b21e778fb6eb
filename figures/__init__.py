"""Pictures from the tables in ``results/``; nothing here simulates."""
