"""Segmentation by distillation, for any number of classes: a small student and a slow teacher.

`settings` says how both are trained, `training` (label maps of any classes, in crops) and `distill`
(one mask, whole images) do it, `metrics` tells how well they answer. Hair is one use of it, see
`property_cnn.hair`.
"""
