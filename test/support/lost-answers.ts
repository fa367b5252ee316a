import { onTestFinished } from "vitest";

/** Has every request of the worker go through a function, until the test ends. It may be laid over another one. */
export function interceptRequests(through: (send: typeof fetch) => typeof fetch): void {
  const send = globalThis.fetch;
  globalThis.fetch = through(send);
  onTestFinished(() => {
    globalThis.fetch = send;
  });
}

/** Loses, until the test ends, the answer to the first request to the database that has a text in it; it is carried out. */
export function loseFirstAnswer(text: string): void {
  let isLost = false;
  interceptRequests((send) => async (input, init) => {
    const answer = await send(input, init);
    if (isLost || typeof init?.body !== "string" || !init.body.includes(text)) return answer;
    await answer.text();
    isLost = true;
    return new Response("nobody there", { status: 502 });
  });
}
