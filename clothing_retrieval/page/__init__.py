"""One HTML page, with everything inside it, that shows what was found in photos."""

from clothing_retrieval.page.render import SearchedPhoto, render_page

__all__ = ["SearchedPhoto", "render_page"]
