"""A second error model, independent of the library's own generator: other names, other habits.

    from benchmarks.second_model import make
    make(Path("second"), people=50_000, seed=1)

People come of lineages simulated over ninety years in an invented town; records of the desks,
clerks and batches of five organisations. It shares no code, list or rate with the library's
generator, so that linkage cannot be tuned to the quirks of one of them alone.
"""

from benchmarks.second_model.folder import make

__all__ = ["make"]
