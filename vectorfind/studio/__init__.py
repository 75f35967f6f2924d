"""The studio: a page in the browser where faces are picked, driven, dyed, compared and kept."""
