"""How many pictures are found by what is on them: `python -m benchmarks.labels --data DIR [--count N]`.

DIR is a folder of pictures that are named after what they show, `cat.11250.jpg`. Each is classified with the settings that
`classify` begins with; N are taken of each name. A picture counts as found where the library finds it by that name.
"""

import argparse
import os
from collections import defaultdict
from pathlib import Path
from tempfile import TemporaryDirectory


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, metavar="DIR")
    parser.add_argument("--count", type=int, default=100, metavar="N")
    arguments = parser.parse_args()
    pictures: dict[str, list[Path]] = defaultdict(list)
    for path in sorted(arguments.data.iterdir()):
        pictures[path.name.partition(".")[0]].append(path)
    with TemporaryDirectory(prefix="latent-") as home:
        os.environ |= {"LATENT_HOME": home, "DJANGO_SETTINGS_MODULE": "webapp.settings"}
        import django

        django.setup()
        words = {
            name: [words_of(path) for path in paths[: arguments.count]] for name, paths in pictures.items()
        }
    for name, found in words.items():
        hits = sum(name in each for each in found)
        others = [each for other, many in words.items() if other != name for each in many]
        wrong = sum(name in each for each in others)
        print(
            f"{name}: {hits} of {len(found)} are found ({100 * hits / len(found):.0f} %), "
            f"and {wrong} of {len(others)} that show something else"
        )


def words_of(path: Path) -> set[str]:
    from jobs.queue import results
    from ml.core.context import Context, Inputs
    from ml.core.execution import execute
    from ml.registry import registry

    operation = registry().get("classify")
    made = execute(operation, operation.parse({}), Inputs({"image": [path]}), Context())
    return results.words_of(*results.recognised([label.as_json() for label in made.labels]))


if __name__ == "__main__":
    main()
