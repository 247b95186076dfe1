"""Several processes that train one network: what they exchange, and what starts and watches them."""
from gluon_r2n2.distributed.exchange import KV_STORES, LAUNCH, Exchange, abandon, connect, share_of

__all__ = ["KV_STORES", "LAUNCH", "Exchange", "abandon", "connect", "share_of"]
