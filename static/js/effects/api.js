// Requests to our own server. A refusal comes back as an Error with the server's own words.

import { decodeFrame } from "../core/protocol.js";

async function answerTo(path, options) {
  const response = await fetch(path, options);
  if (response.ok) return response;
  const body = await response.json().catch(() => null);
  throw new Error(body?.error?.message ?? `the server answered ${response.status}`);
}

async function request(path, options) {
  return (await answerTo(path, options)).json();
}

const queryOf = (query) => new URLSearchParams(query);

export const getPresets = () => request("/api/presets");
export const getHistory = (id) => request(`/api/sessions/${id}/history`);
export const getFigure = (id, name, query) => request(`/api/sessions/${id}/figures/${name}?${queryOf(query)}`);

/** What explains a step: chain, slice or check, as docs/protocol.md has them. */
export function getExplanation(id, step, what, query, signal) {
  return request(`/api/sessions/${id}/steps/${step}/${what}?${queryOf(query)}`, { signal });
}

/** The frame of a step with one parameter set to another value; the run stays as it is. */
export async function getTrial(id, step, query, layout) {
  const response = await answerTo(`/api/sessions/${id}/steps/${step}/trial?${queryOf(query)}`);
  return decodeFrame(await response.arrayBuffer(), layout);
}

export function createSession(spec) {
  const headers = { "Content-Type": "application/json" };
  return request("/api/sessions", { method: "POST", headers, body: JSON.stringify(spec) });
}
