"""Model reports: one self-contained HTML page per trained version that can be put in production."""

from ml.report.files import report_of, write_reports

__all__ = ["report_of", "write_reports"]
