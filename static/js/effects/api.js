// Requests to our own server. A refusal comes back as an Error with the server's own words.

async function request(path, options) {
  const response = await fetch(path, options);
  const body = await response.json().catch(() => null);
  if (response.ok) return body;
  throw new Error(body?.error?.message ?? `the server answered ${response.status}`);
}

export const getPresets = () => request("/api/presets");
export const getHistory = (id) => request(`/api/sessions/${id}/history`);
export const getFigure = (id, name, query) => request(`/api/sessions/${id}/figures/${name}?${new URLSearchParams(query)}`);

export function createSession(spec) {
  const headers = { "Content-Type": "application/json" };
  return request("/api/sessions", { method: "POST", headers, body: JSON.stringify(spec) });
}
