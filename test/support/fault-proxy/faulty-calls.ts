import { z } from "zod";
import { type Interface, ObedientClient, readProblem, type Told } from "../obedient-client.ts";
import { calls, Script, says } from "../scripted-model.ts";
import { type Account, newAccount, PASSWORD, post, send } from "./account.ts";
import type { DatabaseRequest } from "./fault-proxy.ts";
import type { FaultyServer } from "./faulty-server.ts";

/** A call that changes something, made ready for one person. */
export interface FaultyCall {
  /** Whether a request to the database is the one that carries it out. */
  isIt(request: DatabaseRequest): boolean;
  /** Makes the call once. */
  make(): Promise<string>;
  /** How often it has been carried out, by the rows as the owner sees them. */
  times(): Promise<number>;
}

/** Makes a call ready, without faults in the way. */
export type PrepareCall = (server: FaultyServer) => Promise<FaultyCall>;

const recordSchema = z.object({ user_id: z.int(), write: z.object({ tool: z.string() }).optional() });
const countSchema = z.tuple([z.object({ count: z.coerce.number() })]);
const idSchema = z.tuple([z.object({ id: z.int() })]);
const chatSchema = z.object({
  response: z.string(),
  conversation_id: z.string(),
  error: z.object({ message: z.string() }).optional(),
  approval_required: z.array(z.object({ id: z.string() })).optional(),
});

/** What a client was told, in a few words. */
function inWords(told: Told): string {
  switch (told.answer) {
    case "done":
      return told.replayed ? "done before" : "done";
    case "refused":
      return `${told.status} ${told.text}`;
    default:
      return told.retryAfter === undefined ? told.answer : `${told.answer}, repeat it`;
  }
}

/** The calls of the tools. */
export function toolCall(tool: string, how: Interface, { isKeyed }: { readonly isKeyed: boolean }): PrepareCall {
  return async (server) => {
    const account = await newAccount(server);
    const client = await new ObedientClient(server.url, account.token, how).open();
    const taskId = tool === "create_task" ? undefined : await makeTask(server, account, "Before");
    const input = {
      ...(taskId !== undefined && { task_id: taskId }),
      ...((tool === "create_task" || tool === "update_task") && { title: "After" }),
      ...(isKeyed && { idempotency_key: crypto.randomUUID() }),
    };
    const times =
      tool === "create_task"
        ? "select count(*) from tasks where user_id = $1"
        : "select version - 1 as count from tasks where user_id = $1";
    return {
      isIt: isWriteOf(account, tool),
      make: async () => inWords(await client.call(tool, input)),
      times: () => count(server, times, [account.id]),
    };
  };
}

export const signUp: PrepareCall = async (server) => {
  const email = `${crypto.randomUUID()}@example.com`;
  return {
    isIt: ({ statements, parameters }) =>
      parameters.includes(email) && statements.some((text) => text.includes("sign_up(")),
    make: async () => inWords(await send(server, "POST", "/api/auth/signup", { email, password: PASSWORD })),
    times: () => count(server, "select count(*) from users where email = $1", [email]),
  };
};

export const signOut: PrepareCall = async (server) => {
  const account = await newAccount(server);
  return {
    isIt: isWriteOf(account, "sign_out"),
    make: async () => inWords(await send(server, "POST", "/api/auth/signout", {}, account)),
    times: () => count(server, "select count(*) from revoked_tokens where user_id = $1", [account.id]),
  };
};

export const deleteAccount: PrepareCall = async (server) => {
  const account = await newAccount(server);
  return {
    isIt: isWriteOf(account, "delete_account"),
    make: async () => inWords(await send(server, "DELETE", "/api/auth/me", { password: PASSWORD }, account)),
    times: () => count(server, "select 1 - count(*) as count from users where id = $1", [account.id]),
  };
};

/** A message to the agent, which stores it and loads what the agent needs. */
export const beginTurn: PrepareCall = async (server) => {
  const account = await newAccount(server);
  const { mark } = await Script.write([says("Hello.")], { repeats: true });
  return {
    isIt: isWriteOf(account, "begin_turn"),
    make: async () => chat(server, account, { message: `Hello ${mark}` }),
    times: () => count(server, "select count(*) from messages where user_id = $1 and role = 'user'", [account.id]),
  };
};

/** What the agent has done and said, which is stored when it has ended. */
export const storeTurn: PrepareCall = async (server) => {
  const account = await newAccount(server);
  const { mark } = await Script.write([says("Hello.")], { repeats: true });
  return {
    isIt: isWriteOf(account, "store_turn"),
    make: async () => chat(server, account, { message: `Hello ${mark}` }),
    // Its tokens are counted as often as it is.
    times: () =>
      count(
        server,
        `select coalesce(sum(tokens) / (select sum(input_tokens + output_tokens) from messages where user_id = $1), 0) as count
         from token_usage where user_id = $1`,
        [account.id],
      ),
  };
};

/** The person's yes to what the agent has asked, upon which it deletes the task. */
export const approve: PrepareCall = async (server) => {
  const account = await newAccount(server);
  const taskId = await makeTask(server, account, "Before");
  const steps = [calls(["delete_task", { task_id: taskId }]), says("Deleted.")];
  const { mark } = await Script.write(steps, { repeats: true });
  const response = await post(server, "POST", "/chat", { message: `Delete it ${mark}` }, account);
  const { conversation_id, approval_required: [asked] = [] } = chatSchema.parse(await response.json());
  if (asked === undefined) throw new Error("the agent has asked nothing");
  return {
    isIt: isWriteOf(account, "continue_turn"),
    make: async () => chat(server, account, { conversation_id, approval: { id: asked.id, approved: true } }),
    times: () =>
      count(server, "select count(*) from tasks where user_id = $1 and deleted_at is not null", [account.id]),
  };
};

/** Matches the request that writes for a person, by the name that the worker gives the call. */
function isWriteOf({ id }: Account, tool: string): FaultyCall["isIt"] {
  return ({ statements, parameters: [first] }) => {
    if (!statements[0]?.includes("set_caller") || typeof first !== "string") return false;
    const { user_id, write } = recordSchema.parse(JSON.parse(first));
    return user_id === id && write?.tool === tool;
  };
}

async function chat(server: FaultyServer, account: Account, body: Record<string, unknown>): Promise<string> {
  const response = await post(server, "POST", "/chat", body, account);
  if (!response.ok) return inWords(await readProblem(response));
  const { error } = chatSchema.parse(await response.json());
  return error === undefined ? "done" : error.message;
}

async function count({ owner }: FaultyServer, query: string, values: unknown[]): Promise<number> {
  return countSchema.parse((await owner.query(query, values)).rows)[0].count;
}

async function makeTask({ owner }: FaultyServer, { id }: Account, title: string): Promise<number> {
  const { rows } = await owner.query("insert into tasks (user_id, title) values ($1, $2) returning id", [id, title]);
  return idSchema.parse(rows)[0].id;
}
