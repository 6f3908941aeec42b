// Inside the charts' frame: draws the figures it is sent. The only file that knows Plotly.

// Plotly raises exponents by a style in an attribute, which the policy forbids; the same may be set as a property.
const { setAttribute } = Element.prototype;
Element.prototype.setAttribute = function (name, value) {
  if (name === "style") this.style.cssText = value;
  else setAttribute.call(this, name, value);
};

const CONFIG = { displayModeBar: false, responsive: true };

async function draw(name, figure) {
  const place = document.getElementById(name);
  if (figure.data.length) await window.Plotly.react(place, figure.data, figure.layout, CONFIG);
  else window.Plotly.purge(place);
}

addEventListener("message", async ({ origin, data }) => {
  if (origin !== location.origin) return;
  document.documentElement.dataset.theme = data.theme;
  for (const [name, text] of Object.entries(data.words)) document.getElementById(`${name}-words`).textContent = text;
  if (!data.figures) return;
  try {
    await Promise.all(Object.entries(data.figures).map(([name, figure]) => draw(name, figure)));
    document.documentElement.dataset.drawn = data.key;
    parent.postMessage({ drawn: data.key }, location.origin);
  } catch (error) {
    for (const name of Object.keys(data.figures)) window.Plotly.purge(document.getElementById(name));
    parent.postMessage({ drawn: data.key, failed: error.message }, location.origin);
  }
});
parent.postMessage({ ready: true }, location.origin);
