import worker from "../../../src/worker.ts";

/** A fault that the smoke tests do not meet: it begins when the metrics are first read, as the watch begins. */
export const startsWhenWatched = { isActive: false };

/** The real worker. */
export const watchedWorker = {
  ...worker,
  fetch(request: Parameters<typeof worker.fetch>[0], env: Env, context: ExecutionContext) {
    if (new URL(request.url).pathname === "/metrics") startsWhenWatched.isActive = true;
    return worker.fetch(request, env, context);
  },
};

/** Puts a fault between the real worker and its database. */
export function sqlRequests(answer: (isHealth: boolean, send: () => Promise<Response>) => Promise<Response>): void {
  const fetchAsEver = globalThis.fetch;
  globalThis.fetch = (input: RequestInfo | URL, init?: RequestInit) => {
    const send = () => fetchAsEver(input, init);
    const url = input instanceof Request ? input.url : String(input);
    if (new URL(url).pathname !== "/sql") return send();
    return answer(/"query":"\s*select 1\s*"/i.test(String(init?.body)), send);
  };
}

/** What Neon answers when Postgres itself fails. */
export function toPostgresError(): Response {
  return Response.json({ message: "the fault of this release", code: "XX000", severity: "ERROR" }, { status: 400 });
}
