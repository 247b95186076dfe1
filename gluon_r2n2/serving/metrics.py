"""What the server counts, in the form that Prometheus reads; only the front counts, so one process knows it all."""
from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120)


class Metrics:
    """All metrics of one server, in a registry of their own."""

    def __init__(self):
        self.registry = registry = CollectorRegistry()
        self.requests = Counter("r2n2_requests", "Requests answered", ["route", "method", "status"],
                                registry=registry)
        self.request_seconds = Histogram("r2n2_request_seconds", "Seconds from a request's first line to its last byte",
                                         ["route"], buckets=SECONDS, registry=registry)
        self.in_flight = Gauge("r2n2_in_flight", "Requests accepted and not yet answered", registry=registry)
        self.upload_bytes = Gauge("r2n2_upload_bytes", "Bytes of request bodies in memory", registry=registry)
        self.queue_length = Gauge("r2n2_queue_length", "Objects that wait for the engine", registry=registry)
        self.batch_objects = Histogram("r2n2_batch_objects", "Objects computed together",
                                       buckets=(1, 2, 3, 4, 6, 8, 12, 16, 32), registry=registry)
        self.batch_views = Histogram("r2n2_batch_views", "Views computed together",
                                     buckets=(1, 2, 4, 8, 16, 24, 32, 48, 96), registry=registry)
        self.engine_seconds = Histogram("r2n2_engine_seconds", "Seconds of the engine for one batch or one view of a "
                                        "stream", buckets=SECONDS, registry=registry)
        self.worker_restarts = Counter("r2n2_worker_restarts", "Worker processes that ended and were replaced",
                                       ["worker"], registry=registry)
        self.refused = Counter("r2n2_refused", "Requests and pictures refused, by reason", ["reason"],
                               registry=registry)
        self.dropped = Counter("r2n2_dropped", "Accepted requests that were given up", ["reason"], registry=registry)
        self.ready = Gauge("r2n2_ready", "1 where new work is taken", registry=registry)
        for worker in ("engine", "pictures"):  # a series that is there from the start shows its first step
            self.worker_restarts.labels(worker)
        for reason in ("deadline", "left"):
            self.dropped.labels(reason)
