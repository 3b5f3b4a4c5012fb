"""A file of judgements read, checked and written to a log in one call, as `nearmiss review import` does in steps."""

from nearmiss.review.exchange import check, read_file, write


def import_reviews(log, path, format, reviewer="", borders=None, *, words=None, belonging=None, allow_foreign=False):
    read = read_file(path, format, reviewer, borders, words, belonging)
    if belonging is not None:
        check(read, belonging, allow_foreign=allow_foreign)
    return write(log, read, belonging)
