"""Draws garments: outlines in centimetres, cloth, folds, light and backdrops."""
