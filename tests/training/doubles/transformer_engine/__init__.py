"""A double of NVIDIA's Transformer Engine 2.17, for machines without a GPU.

It has the parts that workloads/esm2/fp8.py uses, with the same names, signatures and refusals as
https://github.com/NVIDIA/TransformerEngine/tree/v2.17/transformer_engine , which
tests/training/test_engine_double.py compares. Values are rounded as fp8 would round them, with one
scale per tensor; the products themselves are PyTorch's.
"""
