"""Segmentation by distillation: students, teachers, losses, training and measures, any classes."""
