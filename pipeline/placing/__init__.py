"""From the picture to the road: camera, track, chainage, sections, and the files that a GIS opens."""
