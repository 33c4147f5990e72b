"""What the categories of ImageNet are kinds of, so that a tabby is found as a cat.

The categories stand in the order of WordNet's tree, in which most kinds are a run of neighbours (Deng et al., 2009).
"""

from collections.abc import Sequence
from functools import cache

WIDER: dict[str, str] = {
    "animal": "0-397",
    "fish": "0-6 389-397",
    "shark": "2-4",
    "bird": "7-24 80-100 127-146",
    "owl": "24",
    "duck": "97-98",
    "amphibian": "25-32",
    "frog": "30-32",
    "reptile": "33-68",
    "turtle": "33-37",
    "lizard": "38-48",
    "snake": "52-68",
    "spider": "72-77",
    "crab": "118-121 125",
    "penguin": "145",
    "whale": "147-148",
    "dog": "151-268",
    "pet": "151-268 281-285 332-333 338",
    "wolf": "269-272",
    "fox": "277-280",
    "cat": "281-285",
    "feline": "281-293",
    "bear": "294-297",
    "insect": "300-326",
    "beetle": "300-307",
    "butterfly": "321-326",
    "rabbit": "330-332",
    "horse": "339",
    "pig": "341-343",
    "cattle": "345-347",
    "sheep": "348-349",
    "antelope": "351-353",
    "ape": "365-369",
    "monkey": "370-382",
    "elephant": "385-386",
    "panda": "387-388",
    "car": "407 436 468 511 609 627 656 661 717 734 751 817",
    "truck": "555 569 675 717 864 867",
    "bus": "654 779 874",
    "train": "466 547 565 820 829",
    "aircraft": "404-405 417 895",
    "boat": "403 472 484 510 554 576 625 628 724 780 814 833 871 914",
    "bicycle": "444 671",
    "motorcycle": "665 670",
    "vehicle": "403-405 407 417 436 444 466 468 472 484 510-511 547 554-555 565 569 573 575-576 609 612 625 627-628 "
    "654 656 661 665 670-671 675 705 717 724 734 751 757 779-780 802-803 814 817 820 829 833 847 864 866-867 870-871 "
    "874 880 895 914",
    "building": "425 449 454 467 483 497-498 500 580 582 624 663 668 698 727 743 762 788 832 860 865 915",
    "bridge": "821 839 888",
    "tower": "437 442 900",
    "clock": "409 530-531 604 826 892",
    "phone": "487 528 707",
    "camera": "732 759",
    "computer": "527 590 620",
    "instrument": "401-402 420 432 486 513 541 546 558 566 577 579 593-594 641-642 683-684 687 699 776 822 875 881 889",
    "furniture": "423 453 493 495 516 520 526 532 548 553 559 564 703 765 831 857 894",
    "chair": "423 559 765",
    "shoe": "502 514 630 770 774",
    "hat": "439 452 515 808",
    "clothes": "399-400 411 439 445 457 459 474 501 568 578 601 608 610 614 617 638-639 652 655 689 697 735 775 824 834 "
    "841-842 869 887",
    "bottle": "440 720 737 898 901 907",
    "ball": "429-430 522 574 722 768 805 852 890",
    "weapon": "413 471 657 763-764",
    "food": "924-969",
    "bread": "930-932 961",
    "fruit": "948-957",
    "vegetable": "936-946",
    "drink": "966-967 969",
    "flower": "985-986",
    "mushroom": "947 991-997",
    "landscape": "970 972-980",
    "mountain": "970 979-980",
    "sea": "973 975-978",
    "person": "981-983",
}
"""By term, the categories that fall under it."""


SURE, BESIDE_OTHERS = 0.05, 0.15
"""The share of all categories under a term from which on a photo is found by it, and its part of the likeliest term's.

Chosen on training pictures of cats and dogs: below it more cats are found, and more of them as dogs too.
"""


@cache
def categories(term: str) -> frozenset[int]:
    """Those of ImageNet that fall under a term."""
    ends = (run.partition("-") for run in WIDER[term].split())
    return frozenset(index for first, _, last in ends for index in range(int(first), int(last or first) + 1))


def wider(shares: Sequence[float]) -> tuple[str, ...]:
    """The terms, in lower-case English, for what a photo shows, by the shares of the categories of ImageNet.

    Five kinds of cats that are likely a little are a cat.
    """
    found = {term: sum(shares[index] for index in categories(term)) for term in WIDER}
    least = max(SURE, BESIDE_OTHERS * max(found.values()))
    return tuple(term for term, share in found.items() if share >= least)
