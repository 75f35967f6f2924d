"""Files of generators, told by their content: NVlabs, rosinality, genforce's projects, ours.

checkpoint = stylegan_ft.formats.load.read_checkpoint("model.pkl")
info = stylegan_ft.formats.describe.describe_file("model.pkl")
"""
