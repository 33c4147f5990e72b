"""What the core of `ml` says, and what several operations say alike."""

from ml.core.text import Message, _

ADDING_NOISE = Message("adding_noise", _("Adding noise"))
LOADING = Message("loading", _("Loading the network"))
INPUT_MISSING = Message("input_missing", _("The input “{slot}” is missing."))
NO_CUDA = Message("no_cuda", _("There is no CUDA device here. Run it on the CPU: --device cpu"))
ARCHIVE_DAMAGED = Message("archive_damaged", _("This ZIP archive is damaged or cut short. Pack it again."))
VIDEO_DAMAGED = Message(
    "video_damaged",
    _("This video is damaged, cut short or protected against copying. Export or download it again."),
)
ONLY_SOUND = Message("only_sound", _("This file has no moving pictures, only sound. Choose a video."))
VIDEO_CODEC = Message(
    "video_codec", _("This video is coded in a way we cannot read ({codec}). Export it as MP4 with H.264.")
)
PICTURE_DAMAGED = Message(
    "picture_damaged", _("This picture is damaged or cut short. Export or download it again.")
)
NOT_A_PICTURE = Message(
    "not_a_picture",
    _(
        "This is not a picture or video we can read. Send a JPEG, PNG, WebP, HEIC, AVIF, GIF, TIFF or a camera's "
        "raw file, or an MP4, MOV or WebM."
    ),
)
PICTURE_TOO_LARGE = Message(
    "picture_too_large", _("This picture is too large to open here. Make it smaller and try again.")
)
UNKNOWN_CODEC = Message("unknown_codec", _("unknown"))
FLOATING_POINT = Message(
    "floating_point",
    _("Pictures of floating-point numbers are read from TIFF alone. Export it with 8 or 16 bits a channel."),
)
FROM_OTHER_COLORS = Message("from_other_colors", _("Converted from {colors} to sRGB."))
FROM_PROFILE = Message("from_profile", _("Converted from the colour profile “{name}” to sRGB."))
FROM_HIGH_RANGE = Message(
    "from_high_range",
    _("Converted from high dynamic range: what is brighter than white is white, or nearly."),
)
PROFILE_LEFT_OUT = Message("profile_left_out", _("The colour profile could not be used and was left out."))
REDUCED_TO_8_BITS = Message("reduced_to_8_bits", _("Reduced from 16 to 8 bits a channel."))
REDUCED_TO_16_BITS = Message("reduced_to_16_bits", _("Reduced from 32 to 16 bits a channel."))
SCALED_TO_16_BITS = Message(
    "scaled_to_16_bits", _("Its numbers, from {low:.4g} to {high:.4g}, became 16 bits a channel.")
)
GAIN_MAP_LEFT_OUT = Message(
    "gain_map_left_out", _("What it has for brighter displays, a gain map, was left out.")
)
FIRST_PAGE = Message("first_page", _("Only the first page was kept."))
CHANNELS_LEFT_OUT = Message(
    "channels_left_out", _("It has {count} more channels than colours, which were left out.")
)
DEVELOPED_FROM_RAW = Message(
    "developed_from_raw", _("Developed from the camera's raw file, with the white balance of the camera.")
)
RAW_UNDEVELOPED = Message(
    "raw_undeveloped",
    _("This raw file of a camera is of a kind that cannot be developed here. Export it as TIFF or JPEG."),
)
TIFF_COLORS = Message(
    "tiff_colors", _("This TIFF has colours that are not read here ({colors}). Export it as RGB.")
)
TOO_LONG_FOR_FORMAT = Message(
    "too_long_for_format",
    _("A {format} file can be {limit} pixels wide or high, and this picture has {side}. Choose PNG."),
)
ANIMATION_TOO_LONG = Message(
    "animation_too_long",
    _("An animation can be {limit} pixels wide or high, and this one would have {side}. Make it smaller."),
)
FRAME = Message("frame", _("Frame {number} of {count}"))
UNKNOWN_SLOT = Message("unknown_slot", _("There is no input slot “{name}” here; the slots are: {known}."))
WRONG_KIND = Message("wrong_kind", _("“{slot}” takes: {wanted}. This is: {kind}."))
NONE = Message("none", _("none"))
NOT_ONE_FILE = Message("not_one_file", _("“{slot}” needs exactly one file, and {given} were given."))
MORE_THAN_ONE_FILE = Message(
    "more_than_one_file", _("“{slot}” needs at most one file, and {given} were given.")
)
WRONG_NUMBER_OF_FILES = Message(
    "wrong_number_of_files", _("“{slot}” needs {minimum} to {maximum} files, and {given} were given.")
)
IN_FILE = Message("in_file", "{file}: {reason}")
TOO_LITTLE_MEMORY = Message(
    "too_little_memory",
    _("There is too little memory for this picture. Choose another method, or try later."),
)
WEIGHTS_DAMAGED = Message(
    "weights_damaged",
    _("The weights “{name}” are damaged: their checksum is not the one on the card. {remedy}"),
)
CHECK_OUT_AGAIN = Message(
    "check_out_again", _("Check out the file “{name}” again: it is part of this project.")
)
INSTALL_AGAIN = Message("install_again", _("Install the package “{package}” again."))
FETCH_WEIGHTS = Message("fetch_weights", _("Get the weights with: python -m ml weights --fetch {name}"))
WEIGHTS_NOT_DOWNLOADED = Message(
    "weights_not_downloaded",
    _("The weights “{name}” could not be downloaded: {error}. Try again with a network."),
)
NO_DIGIT = Message(
    "no_digit",
    _("There is no digit to be seen here. Send one digit, dark on a light ground or light on a dark one."),
)
UNKNOWN_OPERATION = Message("unknown_operation", _("There is no operation “{slug}”; there are: {known}."))

NO_PICTURES = Message(
    "no_pictures", _("There is no picture in {folder}: give a folder of PNG, JPEG, BMP, TIFF or WebP files.")
)
ANOTHER_SEED = Message(
    "another_seed",
    _(
        "{checkpoint} belongs to a run with --seed {seed}: give that seed to continue it, or remove the file "
        "to start again."
    ),
)
MNIST_UNPAIRED = Message(
    "mnist_unpaired",
    _("The pictures and the labels in {folder} do not belong together: get MNIST again."),
)
MNIST_MISSING = Message(
    "mnist_missing", _("{name} is not in {folder}: give a folder with MNIST's four .gz files.")
)
MNIST_DAMAGED = Message("mnist_damaged", _("{path} is damaged: get it again."))
NO_IDX = Message(
    "no_idx", _("{path} is no IDX file of {dimensions} dimensions, or is cut short: get it again.")
)
WRONG_SIZE = Message(
    "input.wrong_size",
    _(
        "“{slot}” is {width} x {height} pixels, and has to be {wide} x {high}. Give one of that size, or leave "
        "it out."
    ),
)
DOES_NOT_FOLLOW = Message(
    "core.does_not_follow",
    _("“{following}” cannot go on with what “{step}” makes. Leave one of them out, or change their order."),
)
