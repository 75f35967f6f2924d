"""The methods of finding directions: each one object, listed in `registry`.

To add one, subclass `base.Method` in a file of its own and register it; it gives a direction field
a property, and samples, tests, curves, files, pages and commands then know it by its name.
"""
