// Requests to our own server. A refusal comes back as an Error with the server's own words.

import { decodeFrame } from "../core/protocol.js";

/** The browser's own words for a failure, such as "Failed to fetch", help nobody. */
async function reach(path, options) {
  try {
    return await fetch(path, options);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Error("the server cannot be reached", { cause: error });
  }
}

async function answerTo(path, options) {
  const response = await reach(path, options);
  if (response.ok) return response;
  const body = await response.json().catch(() => null);
  const message = body?.error?.message ?? `the server answered ${response.status}`;
  throw Object.assign(new Error(message), { code: body?.error?.code, status: response.status });
}

async function request(path, options) {
  return (await answerTo(path, options)).json();
}

const queryOf = (query) => new URLSearchParams(query);

export const getPresets = () => request("/api/presets");
export const getHistory = (id) => request(`/api/sessions/${id}/history`);
export const getFigure = (id, name, query) => request(`/api/sessions/${id}/figures/${name}?${queryOf(query)}`);

/** Why the server does not let this page see the session: an Error with code and status, or null where it does. */
export async function whyNot(id, signal) {
  try {
    const response = await answerTo(`/api/sessions/${id}`, { signal });
    await response.body.cancel(); // a spec may take megabytes
  } catch (error) {
    return error.code === "computing" ? null : error; // it does; the run is still being opened
  }
  return null;
}

/** What explains a step: chain, slice or check, as docs/protocol.md has them. */
export function getExplanation(id, step, what, query, signal) {
  return request(`/api/sessions/${id}/steps/${step}/${what}?${queryOf(query)}`, { signal });
}

/** The frame of a step with one parameter set to another value; the run stays as it is. */
export async function getTrial(id, step, query, layout, signal) {
  const path = `/api/sessions/${id}/steps/${step}/trial?${queryOf(query)}`;
  const response = await answerTo(path, { signal });
  return decodeFrame(await response.arrayBuffer(), layout);
}

export function createSession(spec) {
  const headers = { "Content-Type": "application/json" };
  return request("/api/sessions", { method: "POST", headers, body: JSON.stringify(spec) });
}
