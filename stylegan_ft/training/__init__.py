"""Training of the shipped base generator from nothing, and pieces that other trainings share.

`make` runs it: `pretraining` on rendered faces, then `adversarial`, both steps of one `loop`; then
it rescales the layers, measures the result and writes its card.
"""
