"""Records: a layout's models packed into checksummed RecordIO shards, and read back one by one."""
from recordio.records.checking import Found, Problem, check_dataset
from recordio.records.format import Record, encode_record, parse_record
from recordio.records.manifest import Manifest, Shard, read_manifest
from recordio.records.plan import SHARD_SIZE, PackOptions, Plan, make_plan
from recordio.records.reader import ShardReader, verify_dataset
from recordio.records.writer import pack

__all__ = ["SHARD_SIZE", "Found", "Manifest", "PackOptions", "Plan", "Problem", "Record", "Shard", "ShardReader",
           "check_dataset", "encode_record", "make_plan", "pack", "parse_record", "read_manifest", "verify_dataset"]
