"""Beside training: what memory an update takes, planned from the network's graph and measured."""
from gluon_r2n2.memory.measure import Peak
from gluon_r2n2.memory.plan import Item, MemoryPlan, plan_training

__all__ = ["Item", "MemoryPlan", "Peak", "plan_training"]
