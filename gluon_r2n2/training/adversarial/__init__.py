"""Training the generative branch: generator and discriminator against each other, and an image encoder beside them."""
from gluon_r2n2.training.adversarial.config import LOSSES, RECIPES, AdversarialConfig
from gluon_r2n2.training.adversarial.update import AdversarialUpdater
from gluon_r2n2.training.adversarial.validation import GenerativeValidation

__all__ = ["LOSSES", "RECIPES", "AdversarialConfig", "AdversarialUpdater", "GenerativeValidation"]
