"""Points of a face by networks that others trained, and the properties that they tell.

scorer = load_landmarks_scorer("landmarks.safetensors")
scores = scorer(images)      # (N, 3, R, R) in [-1, 1] -> (N, P), columns as in scorer.properties
"""
