"""Networks that segment: EffiSegNet and SegFormer, their first weights and their files."""
