// A count point on the map: a circle; where it calls for attention a disc, a diamond or a triangle, by level.

const SIZE = 9 * (parseFloat(getComputedStyle(document.documentElement).fontSize) / 14); // grows with the text beside it

export const Mark = L.CircleMarker.extend({
  options: { radius: SIZE },
  _colour: 0,

  initialize(at) {
    L.CircleMarker.prototype.initialize.call(this, at);
    this.home = at;
  },

  /** The shape follows the level's place in the palette. */
  setLevel(colour) {
    if (colour === this._colour) return;
    this._colour = colour;
    this._updatePath();
  },

  _updatePath() {
    const { x, y } = this._point;
    const r = SIZE + 2;
    const path = {
      4: `M${x} ${y - r - 1}L${x + r + 1} ${y}L${x} ${y + r + 1}L${x - r - 1} ${y}Z`,
      5: `M${x} ${y - r - 1}L${x + r + 1} ${y + r - 2}H${x - r - 1}Z`,
    }[this._colour];
    if (path) this._renderer._setPath(this, path);
    else L.CircleMarker.prototype._updatePath.call(this);
  },
});

Mark.RADIUS = SIZE;

/** Put marks that would cover each other side by side, at the map's present zoom. */
Mark.spread = (map, layers) => {
  const spots = [];
  for (const mark of layers.filter((layer) => layer instanceof Mark)) {
    const at = map.latLngToLayerPoint(mark.home);
    const spot = spots.find(([first]) => first.at.distanceTo(at) < SIZE * 1.6);
    if (spot) spot.push({ mark, at });
    else spots.push([{ mark, at }]);
  }
  for (const spot of spots) {
    spot.sort((a, b) => a.at.x - b.at.x);
    const middle = L.bounds(spot.map(({ at }) => at)).getCenter();
    spot.forEach(({ mark }, index) => {
      const aside = (index - (spot.length - 1) / 2) * (2 * SIZE + 4);
      mark.setLatLng(spot.length === 1 ? mark.home : map.layerPointToLatLng(middle.add([aside, 0])));
    });
  }
};
