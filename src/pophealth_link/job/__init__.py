"""Job file to run: parse, check, link, analyse, release; manifest and audit log."""

from pophealth_link.job.load import load
from pophealth_link.job.model import Job
from pophealth_link.job.runner import Run, analyse, link, run

__all__ = ["Job", "Run", "analyse", "link", "load", "run"]
