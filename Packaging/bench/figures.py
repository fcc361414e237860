# SPDX-License-Identifier: Apache-2.0
"""Quantiles and intervals."""
import random


def quantile(values, share):
    ordered = sorted(values)
    return ordered[min(int(share * len(ordered)), len(ordered) - 1)] if ordered else float("nan")


def draws(blocks, figure, count=1000):
    """The figure of so many resamples of the blocks."""
    generator = random.Random(1)
    return [figure(generator.choices(blocks, k=len(blocks))) for _ in range(count)]


def nested_draws(groups, figure, count=1000):
    """The figure of so many resamples of the groups, and of the blocks in each: what differs from group to group counts as chance, too."""
    generator = random.Random(1)

    def draw():
        chosen = generator.choices(groups, k=len(groups))
        return [block for group in chosen for block in generator.choices(group, k=len(group))]

    return [figure(draw()) for _ in range(count)]


def interval(values):
    """What holds 95 % of the values."""
    return quantile(values, 0.025), quantile(values, 0.975)
