"""What has drifted apart, in money: one view of it, and that view as text, page, PDF, workbook, CSV and JSON."""

from agent.reports.month_end.view import Deed, Legs, MonthEnd, Origin, Past, State, TrendMonth, Unmapped, code_words

__all__ = ["Deed", "Legs", "MonthEnd", "Origin", "Past", "State", "TrendMonth", "Unmapped", "code_words"]
