"""As transformer_engine/common."""
