"""Commands about single faces: edited, picked, driven, brought into a generator."""
