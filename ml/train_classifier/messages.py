"""What it says while it runs, and where it cannot."""

from ml.core.text import Message, _

PHOTOS_OR_ARCHIVE = Message(
    "train_classifier.photos_or_archive",
    _("Give either photos class by class or a ZIP archive, and take the other out."),
)
NUMBER_OF_CLASSES = Message(
    "train_classifier.number_of_classes",
    _(
        "Give photos of {fewest} to {most} classes, at least {photos} of each, or a ZIP archive with a folder "
        "for each class."
    ),
)
TOO_FEW_PHOTOS = Message(
    "train_classifier.too_few_photos",
    _("The class “{name}” has {count} photos, and {fewest} are needed. Add more photos of it."),
)
TOO_MANY_NAMES = Message(
    "train_classifier.too_many_names",
    _("There are {names} names and photos of {classes} classes. Add photos or take names out."),
)
RARELY_PACKED = Message(
    "train_classifier.rarely_packed",
    _("This archive is packed in a rare way. Pack it as a plain ZIP archive."),
)
LOCKED = Message("train_classifier.locked", _("This archive is locked by a password. Pack it without one."))
TOO_MANY_FILES = Message(
    "train_classifier.too_many_files", _("This archive holds too many files: at most {count:,} photos fit.")
)
UNPACKED_TOO_LARGE = Message(
    "train_classifier.unpacked_too_large",
    _("Unpacked, this archive would have more than {limit} MB. Put fewer or smaller photos in."),
)
OUTSIDE_OF_FOLDER = Message(
    "train_classifier.outside_of_folder",
    _("This archive wants to write outside of its folder, at “{file}”. Pack it anew."),
)
LINK_OR_DEVICE = Message(
    "train_classifier.link_or_device",
    _("“{file}” is a link or a device. Pack a ZIP archive of nothing but photos."),
)
BOMB = Message(
    "train_classifier.bomb", _("“{file}” would unpack to many times its size, as no photo does. Take it out.")
)
FOLDER_NAME = Message(
    "train_classifier.folder_name", _("A folder is called “{name}”; give it a name of 1 to {count} letters.")
)
NOT_IN_A_CLASS = Message(
    "train_classifier.not_in_a_class",
    _(
        "“{file}” does not lie in the folder of a class. Pack a ZIP archive with a folder for each class, and "
        "the photos in the folders."
    ),
)
READING = Message("train_classifier.reading", _("Reading the photos"))
DRAWING = Message("train_classifier.drawing", _("Drawing the results"))
LEARNING = Message("train_classifier.learning", _("Learning from the photos, round {number} of {rounds}"))
LETTERS_OF_A_NAME = Message(
    "train_classifier.letters_of_a_name", _("a name has 1 to {count} letters, unlike “{name}”")
)
EQUAL_NAMES = Message("train_classifier.equal_names", _("every class needs a name of its own"))
