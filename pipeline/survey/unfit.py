"""Photographs that do not fit what was told of the road, counted: without a word they would just lack their metres."""

from __future__ import annotations

from collections import Counter

from pipeline.placing.flags import NO_TIME, OUTSIDE
from pipeline.placing.photograph_view import WRONG_SIZE
from pipeline.survey.plan import Survey
from pipeline.survey.published import read_batches
from pipeline.survey.road import sight_in


def told_of_unfit(survey: Survey) -> list[str]:
    """A sentence for each thing that does not fit, with how many photographs and a remedy; of published tables."""
    camera, track = survey.plan.camera, survey.plan.settings.road.track
    if camera is None and track is None:
        return []
    images = 0
    other_sizes: Counter[tuple[int, int]] = Counter()
    untracked: Counter[str] = Counter()
    for batch in read_batches(survey, "images", ["width_px", "height_px", "flags"]):
        images += len(batch)
        for row in batch.to_pylist():
            size = row["width_px"], row["height_px"]
            other_sizes[size] += sight_in(survey, *size, None).flag == WRONG_SIZE
            flags = (row["flags"] or "").split("; ")
            untracked.update(word for word in (NO_TIME, OUTSIDE) if track is not None and word in flags)
    told = []
    if wrong := sum(other_sizes.values()):
        assert camera is not None
        assert camera.size_px is not None
        ((width, height), _), *_ = other_sizes.most_common(1)
        told.append(
            f"{wrong:,} of {images:,} photographs do not have the proportions of the camera's size_px, "
            f"{camera.size_px[0]}×{camera.size_px[1]}: the commonest of their sizes is {width}×{height}. They have no "
            "scale, and all of each was looked at, region or not. Mend the camera file, or survey another camera's "
            "photographs by themselves."
        )
    remedies = {
        NO_TIME: "carry no time that the track could be matched by, so that it places none of them. A manifest may "
        "tell taken_at; --clock-offset says how far the camera's clock, which tells no zone, is from UTC",
        OUTSIDE: "were taken before or after the track, so that it places none of them. See --clock-offset",
    }
    told += [f"{count:,} of {images:,} photographs {remedies[word]}." for word, count in untracked.most_common()]
    return told
