"""All of the book that a student's process ever sees: these files, which need NumPy only."""
