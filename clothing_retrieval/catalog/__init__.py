"""Where items come from: the drawn sample boutique and the importers of real catalogues."""
