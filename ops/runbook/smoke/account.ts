import { randomBytes, randomUUID } from "node:crypto";
import { z } from "zod";
import type { Deployment, DeploymentAnswer, DeploymentRequest } from "../deployment.ts";
import { answered } from "./answered.ts";

const sessionSchema = z.object({ token: z.string(), user: z.object({ id: z.int(), email: z.string() }) });
const tasksSchema = z.object({ tasks: z.array(z.object({ id: z.int(), title: z.string(), status: z.string() })) });

/** The tasks that a tool answered with. */
export type SmokeTasks = z.output<typeof tasksSchema>["tasks"];

/** A throw-away account on a deployment. */
export class SmokeAccount {
  readonly deployment: Deployment;
  readonly email: string;
  readonly password: string;
  readonly id: number;
  token: string;

  private constructor(
    deployment: Deployment,
    email: string,
    password: string,
    session: z.output<typeof sessionSchema>,
  ) {
    this.deployment = deployment;
    this.email = email;
    this.password = password;
    this.id = session.user.id;
    this.token = session.token;
  }

  static async signUp(deployment: Deployment): Promise<SmokeAccount> {
    const email = `smoke-${randomUUID()}@example.com`;
    const password = randomBytes(18).toString("base64url");
    const answer = await deployment.send("/api/auth/signup", { body: { email, password } });
    return new SmokeAccount(deployment, email, password, answered(answer, "sign-up", 201, sessionSchema));
  }

  /** @throws RunbookError unless the right password is let in */
  async signIn(): Promise<void> {
    const { email, password } = this;
    const answer = await this.deployment.send("/api/auth/signin", { body: { email, password } });
    this.token = answered(answer, "sign-in", 200, sessionSchema).token;
  }

  send(path: string, body?: unknown, options: Pick<DeploymentRequest, "within"> = {}): Promise<DeploymentAnswer> {
    return this.deployment.send(path, { token: this.token, ...(body !== undefined && { body }), ...options });
  }

  /** Runs a tool by plain HTTP, whatever it answers. */
  call(tool: string, input: Readonly<Record<string, unknown>>): Promise<DeploymentAnswer> {
    return this.send(`/mcp/tools/${tool}`, input);
  }

  /** Runs a tool that must succeed. @throws RunbookError */
  async run(tool: string, input: Readonly<Record<string, unknown>>): Promise<SmokeTasks> {
    return answered(await this.call(tool, input), tool, 200, tasksSchema).tasks;
  }

  /** Deletes the account with everything in it. @throws RunbookError */
  async remove(): Promise<void> {
    const { deployment, token, password } = this;
    const answer = await deployment.send("/api/auth/me", { method: "DELETE", token, body: { password } });
    answered(answer, "deleting the account", 204, z.unknown());
  }
}
