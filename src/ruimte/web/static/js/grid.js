// The ground where there is no background map: a grid of whole metres, so that distances can be read.

const METRES_A_DEGREE = 111_320;
const STEPS = [20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000];
const WANTED_PX = 90;

/** Draw the grid under everything, and again after each move. */
export function drawGrid(map) {
  const pane = map.createPane("grid");
  pane.style.zIndex = 100;
  pane.classList.add("leaflet-zoom-hide");
  pane.setAttribute("aria-hidden", "true");
  const lines = L.layerGroup().addTo(map);
  const renderer = L.svg({ pane: "grid", padding: 0.5 });
  const options = { pane: "grid", renderer, interactive: false, className: "grid-line", smoothFactor: 0 };

  const draw = () => {
    lines.clearLayers();
    const view = map.getBounds().pad(0.4);
    const middle = map.getCenter();
    const perPixel = map.distance(middle, map.containerPointToLatLng(map.latLngToContainerPoint(middle).add([100, 0]))) / 100;
    const step = STEPS.find((metres) => metres / perPixel >= WANTED_PX) ?? STEPS.at(-1);
    const up = step / METRES_A_DEGREE;
    const aside = up / Math.cos((middle.lat * Math.PI) / 180);
    for (let lat = Math.floor(view.getSouth() / up) * up; lat < view.getNorth(); lat += up) {
      L.polyline([[lat, view.getWest()], [lat, view.getEast()]], options).addTo(lines);
    }
    for (let lng = Math.floor(view.getWest() / aside) * aside; lng < view.getEast(); lng += aside) {
      L.polyline([[view.getSouth(), lng], [view.getNorth(), lng]], options).addTo(lines);
    }
  };
  map.on("moveend zoomend resize", draw);
  draw();
}
