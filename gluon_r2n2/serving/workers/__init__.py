"""Processes that compute, and the queues before them: the front process itself never decodes nor computes.

Light on purpose: the worker processes import it.
"""
from __future__ import annotations

from gluon_r2n2.serving.workers.process import TaskRefused, WorkerLost, WorkerOverran, WorkerProcess

__all__ = ["TaskRefused", "WorkerLost", "WorkerOverran", "WorkerProcess"]
