"""Train every alternative that learns: python -m duet.training.baselines --steps 500 [--only mel ...]."""

from __future__ import annotations

import argparse

from .fitting import ALTERNATIVES, Budget, fit


def main() -> None:
    """Train, or go on where the checkpoints stopped."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=Budget.steps)
    parser.add_argument("--seed", type=int, default=Budget.seed)
    parser.add_argument("--only", nargs="*", choices=ALTERNATIVES, default=list(ALTERNATIVES))
    arguments = parser.parse_args()
    for name in arguments.only:
        fit(name, Budget(steps=arguments.steps, seed=arguments.seed))


if __name__ == "__main__":
    main()
