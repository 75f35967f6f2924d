"""Commands that edit faces and bring photographs into a generator."""
