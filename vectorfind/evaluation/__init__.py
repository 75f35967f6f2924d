"""The image test: do the intended strengths come out in the images' scores?"""
