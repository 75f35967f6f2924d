"""Jobs that leave a folder of files: a test, a curve, a comparison, a report."""
