"""A page on trained models: a latent space under the pointer, in a browser, from a local server or from one file.

    exhibit        what the page is told about a run: places, columns, tiles, where no data lies
    routes         what it asks for: itself, codes, what they decode to, walks, directions
    training       models that are trained from it, in a queue; train_routes: what it asks for then
    moves          walks, films of them, directions: what both a server and a notebook are asked for
    away, bundle   a map as one file that decodes without a server; the page's modules as one script
    notebook       `explore(space)`: the page in the output of a cell; widget: what answers it there
    page/          the page itself: ES modules, as they are; what others wrote is in page/vendor, listed in its manifest

Needs the packages of latentwalk[studio].
"""
