"""Loading: packed records -> augmented batches, prepared by threads."""
from recordio.loading.augment import ORIGINAL, ORIGINAL_TEST, RECIPES, TEST, TRAIN, Augmentation
from recordio.loading.backgrounds import Backgrounds, read_backgrounds
from recordio.loading.bad_records import POLICIES, BadRecords
from recordio.loading.dataset import RecordDataset, Sample
from recordio.loading.loader import Loader
from recordio.loading.prepare import Batch

__all__ = ["ORIGINAL", "ORIGINAL_TEST", "POLICIES", "RECIPES", "TEST", "TRAIN", "Augmentation", "Backgrounds",
           "BadRecords", "Batch", "Loader", "RecordDataset", "Sample", "read_backgrounds"]
