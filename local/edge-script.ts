/**
 * What Cloudflare's edge does before a worker, as the source of a worker that has it as the binding `WORKER`: it says
 * where a request came from, whatever the client says, and hands on no URL that cannot be read. Miniflare's own entry
 * answers such a URL with a bare 500, and lets headers of the client's choose the URL that the worker sees.
 */
export const EDGE_SCRIPT = String.raw`
  const HOST = /^(\[[\da-f:.]+\]|[\w.-]+)$/i;
  const ADDRESS = /^\[?(.+?)\]?:\d+$/;

  export default {
    fetch(request, env) {
      if (!isReadable(request.url)) return refuse();
      const headers = new Headers(request.headers);
      headers.set("CF-Connecting-IP", ADDRESS.exec(request.cf?.clientIp)?.[1] ?? "unknown");
      return env.WORKER.fetch(new Request(request, { headers, cf: {} }));
    },
  };

  // The target of "OPTIONS *" becomes part of the host.
  function isReadable(url) {
    return URL.canParse(url) && HOST.test(new URL(url).hostname);
  }

  function refuse() {
    const problem = {
      type: "about:blank",
      title: "Invalid input",
      status: 400,
      detail: "Host must be a name or an address, with or without a port, and the path must begin with a slash.",
      request_id: crypto.randomUUID(),
    };
    const headers = { "Content-Type": "application/problem+json", "X-Request-Id": problem.request_id };
    return Response.json(problem, { status: problem.status, headers });
  }
`;
