"""A page on trained models: a latent space under the pointer, in a browser, from a local server or from one file.

exhibit   what the page is told about a run: places, columns, tiles, where no data lies
page/     the page itself: ES modules, as they are; what others wrote is in page/vendor, listed in its manifest
"""
