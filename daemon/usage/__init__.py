"""What calls cost, and the person's own budgets."""

from daemon.usage.budgets import Alarm, Budgets
from daemon.usage.calendar import since_day
from daemon.usage.prices import PriceList
from daemon.usage.sums import GROUPS, summary

__all__ = ["GROUPS", "Alarm", "Budgets", "PriceList", "since_day", "summary"]
