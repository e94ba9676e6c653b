/** Asks the server. */
import type { Problem } from './wire.js';

/** Where the session is over, the page is loaded anew, which asks for the password. */
async function answerOf<T>(response: Response): Promise<T> {
  if (response.status === 401) {
    location.reload();
    return new Promise<T>(() => {});
  }
  const answer = (await response.json()) as T | Problem;
  if (!response.ok) throw new Error((answer as Problem).problem);
  return answer as T;
}

export async function ask<T>(path: string, query: Record<string, string> = {}): Promise<T> {
  return answerOf(await fetch(`/console/api/${path}?${new URLSearchParams(query)}`));
}

export async function send<T>(path: string, body: Record<string, string>): Promise<T> {
  const headers = { 'content-type': 'application/json' };
  return answerOf(
    await fetch(`/console/api/${path}`, { method: 'POST', headers, body: JSON.stringify(body) }),
  );
}
