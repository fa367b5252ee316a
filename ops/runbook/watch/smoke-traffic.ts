import type { Deployment } from "../deployment.ts";
import { SmokeAccount } from "../smoke/account.ts";
import { sendStateless } from "../smoke/mcp-checks.ts";

const AT_ONCE = 3;

/**
 * Requests of our own, so that a version is judged by enough of them also when nobody else is there. What they are
 * answered with is not looked at here: the metrics count it.
 */
export class SmokeTraffic {
  readonly #account: SmokeAccount;
  #taskId: number | undefined;
  #sent = 0;

  private constructor(account: SmokeAccount) {
    this.#account = account;
  }

  static async begin(deployment: Deployment): Promise<SmokeTraffic> {
    return new SmokeTraffic(await SmokeAccount.signUp(deployment));
  }

  get sent(): number {
    return this.#sent;
  }

  /** Sends the next requests of an endless round, a few at once. */
  async send(count: number): Promise<void> {
    for (let left = count; left > 0; left -= AT_ONCE) {
      await Promise.all(Array.from({ length: Math.min(left, AT_ONCE) }, () => this.#sendOne()));
    }
  }

  async #sendOne(): Promise<void> {
    const turn = this.#sent % 6;
    this.#sent += 1;
    const task_id = this.#taskId ?? 1;
    if (turn === 0) {
      const [task] = await this.#account.run("create_task", { title: "Smoke traffic" }).catch(() => []);
      this.#taskId = task?.id;
    } else if (turn === 1) await this.#account.call("list_tasks", {});
    else if (turn === 2) await this.#account.call("update_task", { task_id, description: "Changed by smoke traffic" });
    else if (turn === 3) await this.#callOverMcp("list_tasks", { status: "all" });
    else if (turn === 4) await this.#callOverMcp("get_task", { task_id });
    else await this.#account.call("delete_task", { task_id });
  }

  async #callOverMcp(name: string, input: Readonly<Record<string, unknown>>): Promise<void> {
    // An answer that is no result is an error that the metrics have counted.
    await sendStateless(this.#account, "tools/call", { name, arguments: input }).catch(() => undefined);
  }

  async end(): Promise<void> {
    await this.#account.remove();
  }
}
