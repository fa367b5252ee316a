import { readFile } from "node:fs/promises";
import { createServer, type Server, type ServerResponse } from "node:http";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { projectDirectory } from "../../local/environment.ts";
import { checkAlertRules, checkDashboardQueries } from "../../ops/runbook/monitoring/prometheus.ts";
import { sendTestEvent } from "../../ops/runbook/monitoring/sentry.ts";
import { freePort } from "../support/processes.ts";

describe("monitoring asks", () => {
  let server: Server;
  let host: string;
  let requests: string[];
  let answer: (path: string, response: ServerResponse) => unknown;

  beforeEach(async () => {
    requests = [];
    const port = await freePort();
    server = createServer(async (request, response) => {
      await text(request);
      const { pathname } = new URL(request.url ?? "", "http://outside.invalid");
      requests.push(`${request.method} ${pathname}`);
      answer(pathname, response);
    }).listen(port, "127.0.0.1");
    host = `127.0.0.1:${port}`;
  });

  afterEach(() => {
    server.close();
    server.closeAllConnections();
  });

  it.each(["/prometheus", "/prometheus/", ""])("a Prometheus that is served below %j", async (path) => {
    const rules = await readFile(join(projectDirectory, "ops/prometheus/alerts.yml"), "utf8");
    const names = [...rules.matchAll(/- alert: (\w+)/g)].map(([, name]) => ({ name }));
    answer = (pathname, response) => {
      const yaml = "global:\n  external_labels:\n    runbook_url: https://runbook.example/page\n";
      const data = pathname.endsWith("/rules")
        ? { groups: [{ rules: names }] }
        : pathname.endsWith("/config")
          ? { yaml }
          : { result: [{}] };
      response.end(JSON.stringify({ status: "success", data }));
    };

    expect(await checkAlertRules(`http://${host}${path}`)).toBe(
      `${names.length} alerts are loaded, their runbook is https://runbook.example/page`,
    );
    expect(await checkDashboardQueries(`http://${host}${path}`)).toMatch(/^\d+ queries of 4 dashboards find data$/);
    const below = path.replace(/\/$/, "");
    expect([...new Set(requests)]).toEqual(
      ["rules", "status/config", "query"].map((endpoint) => `GET ${below}/api/v1/${endpoint}`),
    );
  });

  it.each(["runbook_url: $RUNBOOK_URL", 'runbook_url: ""', ""])(
    "for links in its alerts, and not %j",
    async (label) => {
      const rules = await readFile(join(projectDirectory, "ops/prometheus/alerts.yml"), "utf8");
      const names = [...rules.matchAll(/- alert: (\w+)/g)].map(([, name]) => ({ name }));
      answer = (pathname, response) => {
        const data = pathname.endsWith("/rules")
          ? { groups: [{ rules: names }] }
          : { yaml: `global:\n  external_labels:\n    ${label}\n` };
        response.end(JSON.stringify({ status: "success", data }));
      };
      await expect(checkAlertRules(`http://${host}`)).rejects.toThrow(/ no link: start Prometheus with RUNBOOK_URL/);
    },
  );

  it("and says in one line what Prometheus answers, and what is none", async () => {
    answer = (_, response) =>
      response.writeHead(400).end(JSON.stringify({ status: "error", errorType: "bad_data", error: "parse error" }));
    await expect(checkDashboardQueries(`http://${host}`)).rejects.toThrow(/^Prometheus answered: parse error$/);
    answer = (_, response) => response.writeHead(502).end("<html>Bad gateway</html>");
    await expect(checkAlertRules(`http://${host}`)).rejects.toThrow(
      `http://${host} answered 502, and not as Prometheus does`,
    );
  });

  it.each([
    ["/7", "/api/7/envelope/"],
    ["/sentry/7", "/sentry/api/7/envelope/"],
    ["/a/b/7", "/a/b/api/7/envelope/"],
  ])("a Sentry by a DSN that ends in %s to take an event", async (path, expected) => {
    answer = (_, response) => response.end("{}");
    await sendTestEvent(`http://key@${host}${path}`, "production");
    expect(requests).toEqual([`POST ${expected}`]);
  });
});
