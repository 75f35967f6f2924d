"""dlib's reading of faces: 68 points, and an embedding that tells people apart.

Needs the optional package dlib (`pip install 'vectorfind[dlib]'`) and `vectorfind fetch dlib`.
"""
