"""Loading: packed records -> augmented batches, prepared by threads."""
from recordio.loading.augment import ORIGINAL, ORIGINAL_TEST, RECIPES, TEST, TRAIN, Augmentation
from recordio.loading.dataset import RecordDataset, Sample
from recordio.loading.loader import Batch, Loader

__all__ = ["ORIGINAL", "ORIGINAL_TEST", "RECIPES", "TEST", "TRAIN", "Augmentation", "Batch", "Loader", "RecordDataset",
           "Sample"]
