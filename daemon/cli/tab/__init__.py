"""`daemon completion`: a script by which a shell completes commands, options, their values, and the names of calls.

The scripts know all words from the start, so that a press of Tab starts no program. Only for the names of calls, which
no script can know, they run `daemon completion calls` or `daemon completion open`. Faces: `scripts.run`, `names.run`.
"""
