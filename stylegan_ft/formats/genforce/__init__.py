"""Files of genforce's projects: genforce itself, InterFaceGAN, HiGAN and those built on them.

Their names of weights are our StyleGAN 1's, or are turned into those of the networks here.
https://github.com/genforce
"""
