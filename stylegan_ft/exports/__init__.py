"""Generators exported as ONNX or as OpenVINO's IR, run by their own runtime.

generator = stylegan_ft.load_generator("folder")   # with mapping.onnx and synthesis.onnx

`files` finds the parts of an export, `onnx_files` and `openvino_files` check and open them as
`parts.Part`, `network` tells from their shapes what they take and give, and `generator` makes of it
a generator as every other. Nothing here is imported with the runtimes: they are extras.
"""
