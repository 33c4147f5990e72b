"""What it says while it runs, and where it cannot."""

from ml.core.text import Message, _

MODEL_MISSING = Message(
    "classify.model_missing",
    _("Add a model of your own. “Train your own classifier” makes one of your photos."),
)
MODEL_NOT_USED = Message(
    "classify.model_not_used", _("Choose the method “Your own” to use the model, or take the model out.")
)
FOREIGN_MODEL = Message(
    "classify.foreign_model",
    _("This is not a model that was trained here. Send a file that “Train your own classifier” has made."),
)
MODEL_OF_ANOTHER_NETWORK = Message(
    "classify.model_of_another_network", _("This model was made for another network. Train it again here.")
)
LOOKING = Message("classify.looking", _("Looking at the photo"))
DRAWING_HEAT_MAP = Message("classify.drawing_heat_map", _("Drawing the heat map"))
NO_CATS_OR_DOGS = Message(
    "classify.no_cats_or_dogs", _("{folder} holds no picture whose name begins with cat or dog.")
)
