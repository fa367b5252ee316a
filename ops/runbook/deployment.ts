import { z } from "zod";
import { RunbookError, reasonOf } from "./runbook-error.ts";

const OVERRIDES = "Cloudflare-Workers-Version-Overrides";
const ANSWER_WITHIN_MILLISECONDS = 40_000;

const healthSchema = z.object({ status: z.string(), database: z.string(), version: z.string() });

/** What `/health` says. */
export type Health = z.output<typeof healthSchema>;

/** What a request sends. */
export interface DeploymentRequest {
  readonly method?: string;
  /** Goes as JSON. */
  readonly body?: unknown;
  readonly token?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
  /** In how many milliseconds the answer must be there; 40,000 without it. */
  readonly within?: number;
}

/** An answer, read to its end. */
export interface DeploymentAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
}

/** A running server, reached by its URL. */
export class Deployment {
  readonly url: URL;
  readonly scriptName: string;
  /** The version that every request asks for, however the traffic is split. */
  readonly versionId: string | undefined;

  constructor(url: string | URL, scriptName: string, versionId?: string) {
    this.url = new URL(url);
    this.scriptName = scriptName;
    this.versionId = versionId;
  }

  /** The same server, where every request goes to one version. */
  ofVersion(versionId: string): Deployment {
    return new Deployment(this.url, this.scriptName, versionId);
  }

  /** What makes Cloudflare hand a request to the version. */
  get overrideHeaders(): Record<string, string> {
    return this.versionId === undefined ? {} : { [OVERRIDES]: `${this.scriptName}="${this.versionId}"` };
  }

  at(path: string): URL {
    return new URL(path, this.url);
  }

  /**
   * Sends a request and reads the whole answer, whatever its status.
   *
   * @throws RunbookError when there is no answer
   */
  async send(
    path: string,
    { method, body, token, headers, signal, within = ANSWER_WITHIN_MILLISECONDS }: DeploymentRequest = {},
  ): Promise<DeploymentAnswer> {
    const timeout = AbortSignal.timeout(within);
    try {
      const response = await fetch(this.at(path), {
        method: method ?? (body === undefined ? "GET" : "POST"),
        redirect: "manual",
        signal: signal === undefined ? timeout : AbortSignal.any([signal, timeout]),
        headers: {
          ...(body !== undefined && { "Content-Type": "application/json" }),
          ...(token !== undefined && { Authorization: `Bearer ${token}` }),
          ...this.overrideHeaders,
          ...headers,
        },
        ...(body !== undefined && { body: JSON.stringify(body) }),
      });
      return { status: response.status, headers: response.headers, text: await response.text() };
    } catch (error) {
      throw new RunbookError(`${method ?? "GET"} ${path}: no answer, ${reasonOf(error)}`, { cause: error });
    }
  }

  /**
   * Asks `/health`.
   *
   * @throws RunbookError when it does not answer 200, or another version does than the one asked for
   */
  async health(): Promise<Health> {
    const { status, text } = await this.send("/health");
    const health = healthSchema.safeParse(parseJson(text));
    if (!health.success)
      throw new RunbookError(`/health answered ${status} with something else than a health document`);
    if (status !== 200) throw new RunbookError(`/health answered ${status}: database ${health.data.database}`);
    if (this.versionId !== undefined && health.data.version !== this.versionId) {
      throw new RunbookError(`version ${health.data.version} answered, and not ${this.versionId}`);
    }
    return health.data;
  }
}

/** @returns undefined for what is not JSON */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
