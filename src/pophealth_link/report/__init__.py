"""The self-contained HTML report of a run: key figures, linkage, one section per domain, method."""

from pophealth_link.report.inputs import ReferenceTable, ReportInputs
from pophealth_link.report.page import render_report, write_report

__all__ = ["ReferenceTable", "ReportInputs", "render_report", "write_report"]
