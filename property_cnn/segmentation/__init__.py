"""Segmentation by distillation, for any number of classes: a small student and a slow teacher.

`settings` says how both are trained, `teacher_training` and `distill` do it, `metrics` tells how
well masks fit. Hair is one use of it, see `property_cnn.hair`.
"""
