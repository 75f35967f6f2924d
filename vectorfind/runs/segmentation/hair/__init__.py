"""Jobs of the hair segmenter: data, training, tables, masks of pictures."""
