r"""Is it a crowd, or a counter? What goes out of one zone comes into the next, so neighbouring gates agree on a crowd. Compiled.

With :math:`d_l` by how many persons a tick link l carries more than it usually does when the site is as busy as now, and people
neither made nor lost in a zone but for those who stay,

.. math:: d_l \approx \sum_{\text{into its source}} d - \sum_{\text{other ways out of it}} d \quad\text{or}\quad
          d_l \approx \sum_{\text{out of its target}} d - \sum_{\text{other ways into it}} d

one of the two is enough: where people stay, as at a festival, who comes in does not go out yet. Of a counter that lies neither
holds.
"""

from __future__ import annotations

import numpy as np

from ruimte.compiled import compiled
from ruimte.estimate.flows import persons
from ruimte.estimate.layout import Array, Layout
from ruimte.estimate.step_flows import Flows


@compiled
def unexplained(layout: Layout, link: int, flow: Flows, zones: int) -> Array:
    """Of each link of a site, which share of what it carries more (or less) than usual its neighbours do not see: 0–1, (links,).

    ``link`` is where the site's links begin in the layout, ``zones`` how many zones it has.
    """
    links = len(flow.z)
    more, gained = np.empty(links), np.zeros(zones)
    for i in range(links):
        more[i] = persons(flow.z[i], 0.0) - persons(flow.z[i] - flow.usual[i] * flow.own[i], 0.0)
        source, target = layout.links.source[link + i], layout.links.target[link + i]
        if source >= 0:
            gained[source] -= more[i]
        if target >= 0:
            gained[target] += more[i]
    share = np.ones(links)
    for i in range(links):
        source, target = layout.links.source[link + i], layout.links.target[link + i]
        if more[i] == 0.0:
            continue
        seen = 0.0
        if source >= 0:
            seen = max(seen, 1.0 + gained[source] / more[i])
        if target >= 0:
            seen = max(seen, 1.0 - gained[target] / more[i])
        share[i] = max(0.0, 1.0 - seen)
    return share
